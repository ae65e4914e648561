// An administrator draws a whole application by choosing: fields with rules, limits by severity, statistics by street, a printed
// form, a reminder; it is published and used on the phone. What the browser edits reads back the same.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { openBrowser, phone } from './lib/browser.mjs'
import { openOffice } from './lib/office.mjs'
import { startServer } from './lib/server.mjs'
import { whole } from './lib/whole.mjs'

const worker = (name, unit, title, account, n, roles = []) => ({ name, unit, title, account, password: `Lake-Silk-${n}-Moon`, roles })

let server, office
before(async () => {
  server = await startServer()
  office = await openOffice(server, {
    units: {
      district: { name: '洪山区', kind: 'district', code: '420111' },
      street: { name: '卓刀泉街道', kind: 'street', code: '420111006', above: 'district' },
      community: { name: '卓刀泉社区居民委员会', kind: 'community', code: '420111006005', above: 'street' },
    },
    people: {
      designer: { ...worker('黄信息', 'district', '信息办公室', 'centre.huang', 51, ['app_designer']), perms: [['forms.read', 'all']] },
      grid: worker('刘网格', 'community', '网格员', 'grid.liu', 52),
      sweeper: worker('徐城管', 'street', '城管办', 'street.xu', 53),
    },
  })
})
after(() => server?.stop())

async function at(who, options = {}) {
  const b = await openBrowser(server.url, options)
  await office.people[who].client.lend(b.context)
  return b
}
const photo = async (page) => {
  const data = await page.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 })
    canvas.getContext('2d').fillRect(40, 40, 300, 200)
    return canvas.toDataURL('image/jpeg', 0.9).split(',')[1]
  })
  return { name: '现场.jpg', mimeType: 'image/jpeg', buffer: Buffer.from(data, 'base64') }
}

it('a whole application is drawn by choosing, published, and used on the phone', async () => {
  const began = Date.now()
  const b = await at('designer', { expected: [/status of 422/] })
  const { page } = b
  const tab = (name) => page.getByRole('button', { name, exact: true }).click()
  const key = 'gxdcyjsb'
  await b.go('/forms/design')
  await b.gate('design-versions')
  await page.getByRole('button', { name: '新建应用' }).click()
  await page.getByLabel('应用名称').fill('共享单车淤积上报')
  await page.getByLabel('分组').fill('城市管理')
  await page.getByText(`编号前缀 GXDC，内部名 ${key}`).waitFor()
  await page.getByRole('button', { name: '开始设计' }).click()

  await tab('字段')
  const add = async (type, title) => {
    await page.getByLabel('字段类型').selectOption({ label: type })
    await page.getByRole('button', { name: '添加字段' }).click()
    await page.getByRole('textbox', { name: /^名称/ }).fill(title)
  }
  const required = () => page.getByRole('checkbox', { name: '必填', exact: true }).check()
  await add('地点', '淤积地点')
  await required()
  await add('选择', '严重程度')
  await page.getByLabel('选项').fill('重大\n一般')
  await page.getByLabel('选项').press('Tab')
  await required()
  await add('数字', '淤积辆数')
  await required()
  await page.getByLabel('最小').fill('1')
  await page.getByLabel('计量单位').fill('辆')
  await add('照片', '现场照片')
  await required()
  await add('多行文字', '影响情况')
  const group = (name) => page.getByRole('group', { name, exact: true })
  for (const rule of ['显示的条件', '必填的条件']) {
    if (!(await group(rule).isVisible())) await page.getByText('条件与规则').click()
    await group(rule).getByRole('button', { name: '添加条件' }).click()
    await page.getByLabel(`${rule}：第 1 个条件的字段`).selectOption({ label: '严重程度' })
    await page.getByLabel(`${rule}：第 1 个条件的值`).selectOption({ label: '重大' })
  }
  await add('数字', '清运辆数')
  await page.getByText('条件与规则').click()
  await page.getByRole('button', { name: '添加校验' }).click()
  const check = group('第 1 条校验：须满足')
  await check.getByRole('button', { name: '改用公式' }).click()
  await page.getByLabel('第 1 条校验：须满足：公式').fill('f7 <= 不存在')
  await page.getByLabel('第 1 条校验：须满足：公式').press('Tab')
  await check.getByRole('alert').waitFor() // what is wrong is said at the field
  await b.gate('design-wrong-rule')
  await page.getByLabel('第 1 条校验：须满足：公式').fill('')
  await page.getByLabel('第 1 条校验：须满足：公式').press('Tab')
  await page.getByRole('button', { name: '添加校验' }).click()
  await page.getByLabel('第 1 条校验：须满足：第 1 个条件怎么比').selectOption({ label: '小于等于' })
  await page.getByLabel('第 1 条校验：须满足：第 1 个条件和什么比').selectOption({ label: '淤积辆数' })
  await page.getByLabel('不满足时的提示').fill('不能超过淤积辆数')
  await page.getByLabel('不满足时的提示').press('Tab')
  await check.getByRole('alert').waitFor({ state: 'hidden' })
  await whole(b, 'design-fields')

  await tab('角色')
  await page.getByRole('button', { name: '添加角色' }).click()
  await page.getByLabel('角色名称').fill('单车清运员')
  await page.getByRole('combobox', { name: '可看' }).selectOption({ label: '本街道的' })
  await b.gate('design-roles')

  await tab('基本')
  await page.getByLabel('事发地字段').selectOption({ label: '淤积地点' })
  await page.getByLabel('按哪个字段定等级').selectOption({ label: '严重程度' })
  await page.getByLabel('各街道分别编号（前缀后加街道代码末三位）').check()
  await page.getByLabel('全程时限：按选项分别设置').selectOption({ label: '严重程度' })
  await page.getByRole('spinbutton', { name: '全程时限第 1 条', exact: true }).fill('2')
  await page.getByRole('spinbutton', { name: '全程时限第 2 条', exact: true }).fill('7')
  await page.getByRole('spinbutton', { name: '全程时限第 2 条', exact: true }).press('Tab')
  await whole(b, 'design-basics')

  await tab('步骤')
  await page.getByRole('button', { name: /^2 ?办理/ }).click()
  await page.getByLabel('步骤名称').fill('清运')
  await page.getByLabel('第 1 条：谁').selectOption({ label: '担任某角色的人' })
  await page.getByLabel('由谁办理（按顺序找，找到为止）第 1 条：角色').selectOption({ label: '单车清运员' })
  await page.getByLabel('哪个单位').selectOption({ label: '事发地所在单位' })
  await page.getByLabel('哪一级').selectOption({ label: '街道' })
  await page.getByLabel('清运辆数的权限').selectOption({ label: '必填' })
  await group('办理时限').getByRole('button', { name: '添加时限' }).click()
  await page.getByRole('spinbutton', { name: '办理时限', exact: true }).fill('4')
  await page.getByRole('spinbutton', { name: '办理时限', exact: true }).press('Tab')
  await page.getByLabel('办理时限的单位').selectOption({ label: '工作小时' })
  await page.getByLabel('必须填写意见').check()
  await group('这一步不许').getByLabel('转办').check()
  await whole(b, 'design-steps')

  await tab('列表')
  for (const name of ['淤积辆数 在列表显示', '淤积地点 可筛选', '严重程度 可筛选', '淤积辆数 可排序']) await page.getByLabel(name).check()
  await b.gate('design-list')

  await tab('统计')
  const stat = async (title, kind, by, chart) => {
    await page.getByRole('button', { name: '添加统计' }).click()
    await page.getByLabel('统计名称').fill(title)
    await page.getByLabel('统计方式').selectOption({ label: kind })
    if (by) await page.getByLabel('按什么分组').selectOption({ label: by })
    if (chart) await page.getByLabel('图形').selectOption({ label: chart })
  }
  await stat('各街道上报', '件数', '淤积地点所在街道', '饼图')
  await stat('淤积辆数', '合计', '严重程度', '柱形')
  await page.getByLabel('统计哪个字段').selectOption({ label: '淤积辆数' })
  await stat('清运率', '比率')
  await group('分子：符合下列条件的办件').getByRole('button', { name: '添加条件' }).click()
  await page.getByLabel('分子：符合下列条件的办件：第 1 个条件的字段').selectOption({ label: '清运辆数' })
  await page.getByLabel('分子：符合下列条件的办件：第 1 个条件怎么比').selectOption({ label: '大于' })
  await page.getByLabel('分子：符合下列条件的办件：第 1 个条件的值').fill('0')
  await page.getByLabel('分子：符合下列条件的办件：第 1 个条件的值').press('Tab')
  await page.getByRole('button', { name: '用现有办件试算' }).click()
  await page.getByText('按您能看到的 0 件办件试算').waitFor()
  await whole(b, 'design-stats')

  await tab('打印')
  await page.getByLabel('表单标题').fill('单车淤积清运单')
  for (const name of ['严重程度', '淤积辆数']) await page.getByLabel(`${name}的宽度`).selectOption({ label: '半行' })
  await page.getByLabel('下移：现场照片').click()
  await page.getByRole('button', { name: '添加意见栏' }).click()
  await page.getByLabel('页脚说明').fill('本单一式两份。')
  const [sheet] = await Promise.all([page.waitForResponse('**/api/forms/apps/print'), page.getByRole('button', { name: '预览 PDF' }).click()])
  assert.equal(Buffer.from((await sheet.json()).pdf, 'base64').subarray(0, 4).toString(), '%PDF')
  await whole(b, 'design-print')

  await tab('提醒')
  await page.getByRole('button', { name: '添加提醒' }).click()
  await page.getByLabel('第 1 条提醒：按什么时间').selectOption({ label: '步骤“清运”的时限' })
  await page.getByLabel('第 1 条提醒：多久').fill('1')
  await page.getByLabel('第 1 条提醒：多久').press('Tab')
  await page.getByLabel('第 1 条提醒：时间单位').selectOption({ label: '小时' })
  await page.getByLabel('第 1 条提醒：再提醒谁').selectOption({ label: '担任“单车清运员”的人' })
  await page.getByLabel('第 1 条提醒的内容').fill('快到期了：{nowhere}')
  await page.getByText('没有“nowhere”可填进文字').first().waitFor()
  await b.gate('design-remind-wrong')
  await page.getByLabel('第 1 条提醒的内容').fill('还有一小时到期：')
  await page.getByLabel('第 1 条提醒：插入字段').selectOption({ label: '淤积地点' })
  await page.getByLabel('第 1 条提醒：插入字段').selectOption({ label: '淤积辆数' })
  await page.getByText('没有“nowhere”可填进文字').first().waitFor({ state: 'hidden' })
  await whole(b, 'design-remind')

  await tab('英文')
  await page.getByLabel('名称“共享单车淤积上报”的英文').fill('Bike heaps')
  await page.getByLabel(/^步骤.*“清运”的英文/).fill('Clear')
  await page.getByLabel(/^步骤.*“清运”的英文/).press('Tab')
  await page.getByText(/^已填 2 /).waitFor()
  await whole(b, 'design-english')

  await tab('预览')
  await b.gate('design-preview')
  await page.getByRole('button', { name: '发布', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: '发布' }).click()
  await page.getByText('已发布', { exact: true }).first().waitFor()
  await tab('YAML')
  await b.gate('design-yaml')
  assert.ok(Date.now() - began < 600_000, 'within ten minutes')

  // The role is given to whoever clears the street.
  const role = (await office.security.get('/api/authz/roles')).items.find((one) => one.key === `${key}_role1`)
  const { posts } = await office.system.get(`/api/org/people/${office.people.sweeper.id}`)
  await office.security.call('PUT', `/api/authz/posts/${posts[0].id}/roles/${role.id}`, {})

  const p = await at('grid', { viewport: phone })
  await p.context.grantPermissions(['geolocation'])
  await p.context.setGeolocation({ latitude: 30.50512, longitude: 114.40123 })
  await p.go('/forms')
  await p.page.getByRole('link', { name: '共享单车淤积上报', exact: true }).click()
  await p.page.getByLabel('标题').fill('地铁站B口堆积')
  await p.page.getByLabel('淤积地点：详细地址').fill('珞喻路地铁站B口')
  await p.page.getByRole('button', { name: '取当前位置' }).click()
  await p.page.getByRole('radio', { name: '重大' }).or(p.page.getByLabel('严重程度')).first().waitFor()
  const choose = async (name) => ((await p.page.getByRole('radio', { name }).count()) ? p.page.getByRole('radio', { name }).check() : p.page.getByLabel('严重程度').selectOption({ label: name }))
  await choose('一般')
  await p.page.getByLabel('影响情况').waitFor({ state: 'hidden' })
  await choose('重大')
  await p.page.getByLabel('影响情况').fill('占满盲道')
  await p.page.getByLabel('淤积辆数').fill('120')
  await p.page.getByLabel('拍照或选择照片', { exact: true }).last().setInputFiles(await photo(p.page))
  await p.page.locator('.photos img').first().waitFor()
  await p.gate('design-new-390')
  await p.page.getByRole('button', { name: '提交' }).click()
  await p.page.getByText(/GXDC006\d{4}-00001/).first().waitFor()
  await p.gate('design-filed-390')
  const { client } = office.people.grid
  const [entry] = (await client.get(`/api/forms/apps/${key}/entries`)).items
  const kept = await client.get(`/api/forms/entries/${entry.id}`)
  assert.deepEqual([kept.data.f5[0].lon, kept.data.f5[0].lat], [114.40123, 30.50512], 'the photo knows where it was taken')
  assert.equal(kept.level, 'o1')
  const days = (new Date(kept.due) - new Date(kept.at)) / 86_400_000
  assert.ok(days > 1 && days < 12, `two workdays: ${days}`)

  const s = await at('sweeper', { viewport: phone })
  await s.go('/flow')
  await s.page.getByRole('link', { name: '地铁站B口堆积' }).click()
  await s.page.getByRole('button', { name: '提交', exact: true }).waitFor()
  const offered = (await office.people.sweeper.client.get(`/api/flow/cases/${entry.case}`)).can.map((one) => one.verb)
  assert.ok(offered.includes('submit') && !offered.includes('transfer'), `not transferred at this step: ${offered}`)
  await s.page.getByLabel('清运辆数').fill('121')
  await s.page.getByLabel('清运辆数').press('Tab')
  await s.page.getByText('不能超过淤积辆数').first().waitFor()
  await s.page.getByLabel('清运辆数').fill('118')
  await s.page.getByRole('button', { name: '提交', exact: true }).click()
  await s.page.getByRole('dialog').getByLabel(/意见/).first().fill('已清运')
  await s.page.getByRole('dialog').getByRole('button', { name: '提交' }).click()
  await s.page.getByText('已办结').first().waitFor()
  await s.gate('design-closed-390')
  await s.go(`/forms/apps/${key}/figures`)
  await s.page.getByText('100.0%').first().waitFor()
  await s.page.getByText('卓刀泉街道').first().waitFor()
  await s.gate('design-figures-390')
  const paper = await p.page.request.get(`${server.url}/api/forms/entries/${entry.id}/print.pdf`)
  assert.equal(paper.status(), 200)
  assert.equal((await paper.body()).subarray(0, 4).toString(), '%PDF')

  // The designer tries a figure over what is there now, and looks at all of it in English and with care.
  await b.go(`/forms/design/${key}?tab=stats`)
  await page.getByRole('button', { name: '用现有办件试算' }).click()
  await page.getByText('按您能看到的 1 件办件试算').waitFor()
  await page.locator('.pie').waitFor()
  await whole(b, 'design-stats-tried')
  await page.evaluate(() => (document.documentElement.dataset.theme = 'care'))
  await whole(b, 'design-stats-care')
  await b.go(`/forms/apps/${key}/figures`)
  await b.gate('design-figures')
  await b.close()
  const e = await at('designer', { lang: 'en-US' })
  await e.go('/forms')
  await e.page.getByRole('link', { name: 'Bike heaps', exact: true }).waitFor()
  for (const part of ['basics', 'fields', 'steps', 'stats', 'print', 'remind', 'roles']) {
    await e.go(`/forms/design/${key}?tab=${part}`)
    assert.doesNotMatch(await e.page.locator('#app').innerText(), /forms\.design\./)
    await e.gate(`design-${part}-en`)
  }
  await e.close()
  const d = await at('designer', { viewport: phone })
  for (const part of ['basics', 'stats', 'print', 'remind', 'english']) {
    await d.go(`/forms/design/${key}?tab=${part}`)
    await d.gate(`design-${part}-390`)
  }
  await Promise.all([p, s, d].map((one) => one.close()))
})

it('what the browser edits of a shipped application and writes reads back the same', async () => {
  const b = await at('designer')
  const { page } = b
  const { client } = office.people.designer
  const shipped = (await client.get('/api/forms/versions')).items.filter((one) => one.shipped)
  assert.equal(shipped.length, 12)
  const looked = new Set(['dispute', 'meetingroom', 'supplies', 'visitor']) // what they do not have, no other has
  for (const { key } of shipped) {
    const before = await client.get(`/api/forms/apps/${key}/draft`)
    await b.go(`/forms/design/${key}`)
    for (const name of looked.has(key) ? ['字段', '步骤', '列表', '统计', '打印', '提醒', '角色', '可预约资源', '英文', '预览', '基本'] : []) {
      await page.getByRole('button', { name, exact: true }).click()
      for (const opener of await page.locator('.part .opener').all()) {
        await opener.click()
        assert.equal(await page.getByText('有未保存的修改').count(), 0, `${key}: looking at ${name} changes nothing`)
      }
    }
    assert.doesNotMatch(await page.locator('#app').innerText(), /forms\.design\./)
    await page.getByLabel('一句话说明').fill('改过的说明')
    await page.getByRole('button', { name: '保存草稿' }).click()
    await page.getByText('草稿已保存').first().waitFor()
    const after = await client.get(`/api/forms/apps/${key}/draft`)
    assert.deepEqual(after.findings, [], key)
    assert.deepEqual({ ...after.app, summary: null }, { ...before.app, summary: null }, key)
    const again = await client.call('PUT', `/api/forms/apps/${key}/draft`, { source: after.source, version: after.version })
    assert.deepEqual(again.app, after.app, `${key} as YAML`)
  }
  await b.close()
})
