// Applications nobody programmed. A dispute is filed on a phone over a link that breaks, accepted, mediated by three units together,
// closed and looked at; a meeting room is reserved.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { openBrowser, phone } from './lib/browser.mjs'
import { openOffice } from './lib/office.mjs'
import { startServer } from './lib/server.mjs'

const refused = [/status of 4\d\d/, /ERR_FAILED/, /ERR_CONNECTION/]
const today = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10) // civil time
const password = (n) => `Lake-Silk-${n}-Moon`
const worker = (name, unit, title, account, n, roles = []) => ({ name, unit, title, account, password: password(n), roles })

let server, office
before(async () => {
  server = await startServer()
  office = await openOffice(server, {
    units: {
      district: { name: '洪山区', kind: 'district', code: '420111' },
      street: { name: '卓刀泉街道', kind: 'street', code: '420111006', above: 'district' },
      community: { name: '卓刀泉社区居民委员会', kind: 'community', code: '420111006005', above: 'street' },
      justice: { name: '区司法局', kind: 'department', above: 'district' },
    },
    people: {
      grid: worker('刘网格', 'community', '网格员', 'grid.liu', 31, ['dispute_registrar']),
      centre: worker('于政法', 'street', '政法委员', 'street.yu', 32, ['dispute_centre']),
      leader: { ...worker('周主任', 'street', '办事处主任', 'street.zhou', 33), perms: [['flow.supervise', 'all']] },
      streetMediator: worker('徐调解', 'street', '副主任', 'street.xu', 34, ['dispute_mediator']),
      communityMediator: worker('陈书记', 'community', '书记', 'community.chen', 35, ['dispute_mediator']),
      justiceMediator: worker('吴司法', 'justice', '科长', 'justice.wu', 36, ['dispute_mediator']),
      designer: worker('黄信息', 'district', '信息办公室', 'centre.huang', 37, ['app_designer']),
    },
  })
})
after(() => server?.stop())

async function at(who, options = {}) {
  const b = await openBrowser(server.url, { expected: refused, ...options })
  await office.people[who].client.lend(b.context)
  return b
}
/** A photo as a phone takes it: too large for a weak link until the page makes it small. */
async function photo(page, name) {
  const data = await page.evaluate(async () => {
    const canvas = document.createElement('canvas')
    canvas.width = 2600
    canvas.height = 1900
    const g = canvas.getContext('2d')
    const pixels = g.createImageData(2600, 1900)
    let seed = 7
    for (let i = 0; i < pixels.data.length; i++) pixels.data[i] = i % 4 === 3 ? 255 : (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16
    g.putImageData(pixels, 0, 0)
    return canvas.toDataURL('image/jpeg', 0.9).split(',')[1]
  })
  return { name, mimeType: 'image/jpeg', buffer: Buffer.from(data, 'base64') }
}

it('a dispute filed on a phone over a broken link arrives once, is mediated by three units and closed', async () => {
  const p = await at('grid', { viewport: phone })
  const { page } = p
  await p.go('/forms')
  await p.gate('forms-apps-390')
  await page.getByRole('link', { name: '矛盾纠纷排查化解', exact: true }).click()
  await page.getByRole('heading', { name: '矛盾纠纷排查化解' }).waitFor()
  await page.getByRole('button', { name: '提交' }).click()
  await page.getByText('处需要修改').waitFor()
  await p.gate('forms-new-faults-390')
  await page.getByLabel('标题').fill('楼道堆物引发邻里争吵')
  await page.getByLabel('来源').selectOption({ label: '网格排查' })
  await page.getByLabel('类别').selectOption({ label: '邻里' })
  assert.equal(await page.getByLabel('发生地点：社区').inputValue(), '420111006005', 'a grid worker begins where he works')
  await page.getByLabel('发生地点：详细地址').fill('幸福小区3栋2单元')
  await page.getByLabel('经过').fill('两户为楼道堆放杂物多次争吵，物业劝说无效。')
  for (const [i, name] of ['王小明', '李小红'].entries()) {
    await page.getByRole('button', { name: '添加当事人' }).click()
    const row = page.getByRole('group', { name: '当事人', exact: true }).locator('fieldset').nth(i)
    await row.getByLabel('姓名').fill(name)
    await row.getByRole('radio', { name: i ? '被申请人' : '申请人', exact: true }).check()
  }
  await page.getByLabel('涉及人数').fill('3')
  const sent = []
  page.on('request', (request) => request.method() === 'PUT' && request.url().includes('/api/file/uploads/') && sent.push(request.postDataBuffer()?.length ?? 0))
  let cuts = 1
  await page.route('**/api/file/uploads/*?offset=*', (route) => (cuts-- > 0 ? route.abort() : route.continue()))
  const photos = [await photo(page, '现场1.jpg'), await photo(page, '现场2.jpg'), await photo(page, '现场3.jpg')]
  await page.getByLabel('拍照或选择照片', { exact: true }).last().setInputFiles(photos)
  await page.locator('.photos img').nth(2).waitFor({ timeout: 60_000 })
  assert.ok(Math.max(...sent) < photos[0].buffer.length / 2, `photos go up small: ${Math.max(...sent)} of ${photos[0].buffer.length} bytes`)

  // The server has it, the answer is lost: pressing the button again finds the same one.
  let lost = 1
  await page.route('**/api/forms/apps/dispute/entries', async (route) => {
    if (lost-- <= 0) return route.continue()
    await route.fetch()
    await route.abort()
  })
  await page.getByRole('button', { name: '提交' }).click()
  await page.locator('form [role=alert]:focus').waitFor()
  await page.getByRole('button', { name: '提交' }).click()
  await page.waitForURL(/\/forms\/entries\//)
  await page.getByText(/MT\d{4}-00001/).first().waitFor()
  await p.gate('forms-filed-390')
  const { items } = await office.people.grid.client.get('/api/forms/apps/dispute/entries')
  assert.equal(items.length, 1, 'it arrived once')
  const entry = items[0]

  // The street accepts and assigns on a desk, with what the form asks for at each step.
  const c = await at('centre')
  await c.go('/flow')
  await c.page.getByRole('link', { name: '楼道堆物引发邻里争吵' }).click()
  await c.page.getByRole('heading', { name: '办理过程' }).waitFor()
  await c.page.getByLabel('研判意见').fill('邻里纠纷，风险一般。')
  await c.page.getByRole('button', { name: '受理', exact: true }).click()
  await c.page.getByRole('dialog').getByRole('button', { name: '受理' }).click()
  await c.page.getByRole('button', { name: '交办', exact: true }).click()
  await c.page.getByText('处需要修改').waitFor() // the unit in charge must be named first
  await c.gate('forms-step-faults')
  await c.page.getByLabel('责任单位').fill('卓刀泉街')
  await c.page.getByRole('option', { name: /卓刀泉街道/ }).first().click()
  await c.page.getByLabel('调处方式').selectOption({ label: '人民调解' })
  await c.page.getByRole('button', { name: '交办', exact: true }).click()
  const dialog = c.page.getByRole('dialog')
  for (const name of ['徐调解', '陈书记', '吴司法']) {
    await dialog.getByRole('combobox').fill(name)
    await dialog.getByRole('option', { name }).click()
    await dialog.getByRole('button', { name: '再加一人' }).click()
  }
  await dialog.getByRole('button', { name: '交办' }).click()
  await dialog.waitFor({ state: 'hidden' })

  const deed = async (who, outcome, data, more = {}) => {
    const { client } = office.people[who]
    const found = await client.get(`/api/flow/cases/${entry.case}`)
    await client.post(`/api/flow/cases/${entry.case}/deeds`, { verb: 'submit', task: found.mine[0].id, outcome, data, ...more })
  }
  await deed('streetMediator', '', { contacted: today })
  await deed('streetMediator', 'done', { records: [{ day: today, who: '双方', what: '同意清理' }], result: 'settled' }, { opinion: '双方同意清理。' })
  await deed('communityMediator', 'done', {}, { opinion: '社区协助清运。' })

  const j = await at('justiceMediator')
  await j.go(entry.link)
  await j.page.getByRole('button', { name: '调处完成' }).click()
  await j.page.getByRole('dialog').getByRole('button', { name: '双方自愿达成一致意见。' }).click()
  await j.page.getByRole('dialog').getByRole('button', { name: '调处完成' }).click()
  await j.page.getByText('双方自愿达成一致意见。').waitFor()
  await j.gate('forms-countersigned')

  const m = await at('streetMediator')
  await m.go(entry.link)
  await m.page.getByRole('button', { name: '用姓名代替手写' }).click()
  await m.page.getByRole('button', { name: '确认签名' }).click()
  await m.page.getByRole('img', { name: '徐调解的签名' }).waitFor()
  await m.page.getByRole('button', { name: '提交', exact: true }).click()
  await m.page.getByRole('dialog').getByRole('button', { name: '提交' }).click()
  await m.page.getByRole('dialog').waitFor({ state: 'hidden' })

  await p.go(entry.link)
  await page.getByLabel('回访日期').fill(today)
  await page.getByRole('radio', { name: '非常满意' }).check()
  await page.getByRole('button', { name: '未反复，申请销号' }).click()
  await page.getByRole('dialog').getByRole('button', { name: '未反复，申请销号' }).click()
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
  await deed('centre', '', { filing: '2026-001' })

  await c.go(entry.link)
  await c.page.getByText('已办结').first().waitFor()
  assert.equal(await c.page.locator('.trace li').count(), 10, 'every step is on the page')
  await c.gate('forms-closed')
  await c.go('/forms/apps/dispute')
  await c.gate('forms-list')
  await c.page.getByRole('button', { name: '更多筛选' }).click()
  await c.page.getByLabel('类别').selectOption({ label: '物业' })
  await c.page.getByText('没有符合').or(c.page.getByRole('button', { name: '清除筛选' }).last()).first().waitFor()
  await c.go('/forms/apps/dispute/figures')
  await c.page.getByText('100.0%').first().waitFor()
  await c.gate('forms-figures')

  // The case is discussed; who is mentioned hears of it, and what is taken back leaves a line.
  await c.go(entry.link)
  await c.page.getByLabel('说点什么').fill('材料请补一份纸质的。')
  await c.page.getByRole('button', { name: '提到某人' }).click()
  await c.page.getByRole('combobox', { name: '提到某人' }).fill('刘网格')
  await c.page.getByRole('option', { name: /刘网格/ }).click()
  await c.page.getByRole('button', { name: '发送' }).click()
  await c.page.getByText('材料请补一份纸质的。').waitFor()
  await c.gate('case-talk')
  await p.go(entry.link)
  await page.getByText('材料请补一份纸质的。').waitFor()
  await page.getByLabel('说点什么').fill('已补。')
  await page.getByRole('button', { name: '发送' }).click()
  await c.page.getByText('已补。').waitFor() // pushed, without asking again
  await p.gate('case-talk-390')
  // A file goes with a message, on the desk and on the phone.
  await page.getByLabel('附上文件', { exact: true }).last().setInputFiles([photos[0], { name: '调解协议.txt', mimeType: 'text/plain', buffer: Buffer.from('协议书') }])
  await page.getByRole('button', { name: '发送' }).click()
  await page.getByRole('link', { name: /调解协议\.txt/ }).waitFor()
  await page.locator('.enclosed img').first().evaluate((img) => img.decode())
  await p.gate('case-talk-files-390')
  await c.page.getByRole('link', { name: /调解协议\.txt/ }).waitFor()
  await c.gate('case-talk-files')
  await c.page.getByRole('button', { name: '撤回', exact: true }).last().click()
  await c.page.getByText('已撤回一条消息').waitFor()
  await c.page.getByRole('button', { name: '打印与导出' }).click()
  const [pack] = await Promise.all([c.page.waitForEvent('download'), c.page.getByRole('menuitem', { name: /证据包/ }).click()])
  assert.match(pack.suggestedFilename(), /\.zip$/)

  // What was done is counted at once, and behind the figure stands the case.
  const l = await at('leader')
  await l.go('/flow/stats')
  await l.page.getByRole('button', { name: /矛盾纠纷排查化解 办结 1/ }).click()
  await l.page.getByRole('dialog').getByRole('link', { name: '楼道堆物引发邻里争吵' }).waitFor()
  await l.gate('stats-behind')
  await l.page.getByRole('dialog').getByRole('button', { name: '关闭' }).click()
  for (const by of ['按责任单位', '按社区', '按环节', '按人员']) {
    await l.page.getByRole('button', { name: by }).click()
    await l.page.getByRole('columnheader', { name: by }).waitFor()
  }
  await l.gate('stats')
  await l.page.setViewportSize(phone)
  await l.page.locator('.shell.phone').waitFor()
  await l.gate('stats-390')
  await Promise.all([p, c, j, m, l].map((b) => b.close()))
})

it('a deputy acts in the place of who is away, and the search finds the case by its number', async () => {
  const m = await at('streetMediator')
  await m.go('/flow/deputies')
  await m.page.getByRole('button', { name: '委托他人' }).click()
  await m.page.getByRole('dialog').getByRole('combobox').fill('陈书记')
  await m.page.getByRole('option', { name: /陈书记/ }).click()
  await m.page.getByLabel('原因').fill('年休假')
  await m.page.getByRole('dialog').getByRole('button', { name: '委托他人' }).click()
  await m.page.getByText('生效中').waitFor()
  await m.gate('deputies')
  const { client } = office.people.grid
  const [first] = (await client.get('/api/forms/apps/dispute/entries')).items
  await m.page.keyboard.press('Control+k')
  await m.page.getByRole('combobox').last().fill(first.number)
  await m.page.getByRole('option', { name: /楼道堆物/ }).waitFor()
  await m.gate('palette-case')
  await m.close()
})

it('a meeting room is reserved by sight, and what is taken cannot be', async () => {
  const tomorrow = new Date(Date.now() + 32 * 3_600_000).toISOString().slice(0, 10)
  const b = await at('leader')
  const { page } = b
  await b.go('/forms/apps/meetingroom/new')
  await page.getByLabel('会议名称').fill('防汛调度会')
  await page.getByLabel('使用时间开始').fill(`${tomorrow}T09:00`)
  await page.getByLabel('使用时间结束').fill(`${tomorrow}T11:00`)
  await page.getByText('空闲', { exact: true }).first().waitFor()
  await page.getByRole('group', { name: '会议室', exact: true }).getByRole('radio').first().check()
  await page.getByLabel('参会人数').fill('8')
  await b.gate('forms-room')
  await page.getByRole('button', { name: '提交' }).click()
  await page.waitForURL(/\/forms\/entries\//)

  const o = await at('grid')
  await o.go('/forms/apps/meetingroom/new')
  await o.page.getByLabel('使用时间开始').fill(`${tomorrow}T10:00`)
  await o.page.getByText(/09:00–11:00 周主任已约/).waitFor()
  assert.ok(await o.page.getByRole('group', { name: '会议室', exact: true }).getByRole('radio').first().isDisabled())
  await o.gate('forms-room-taken')
  const d = await at('designer')
  await d.go('/forms/resources?app=meetingroom')
  await d.gate('forms-resources')
  await Promise.all([b, o, d].map((one) => one.close()))
})
