// A department drafts a report from the spreadsheet it has; what the district holds is not asked again; the report is checked and
// sent; a community fills it in on a phone; the meter shows the minutes saved.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { openBrowser, phone } from './lib/browser.mjs'
import { makeDataset } from './lib/data.mjs'
import { openOffice } from './lib/office.mjs'
import { startServer } from './lib/server.mjs'
import { whole } from './lib/whole.mjs'
import { workbook } from './lib/xlsx.mjs'

const refused = [/status of 4\d\d/]
const title = '社区治理力量情况统计表'
const grids = '社区网格划分信息'
const communities = ['石牌岭社区', '卓刀泉社区', '桂子山社区']

let server, office, report, round
before(async () => {
  server = await startServer()
  office = await openOffice(server, {
    units: {
      district: { name: '洪山区', kind: 'district', code: '420111' },
      centre: { name: '区大数据中心', kind: 'institution', above: 'district', code: '11420111MB00001313' },
      civil: { name: '区民政局', kind: 'department', above: 'district' },
      health: { name: '区卫生健康局', kind: 'department', above: 'district' },
      street: { name: '卓刀泉街道', kind: 'street', above: 'district', code: '420111006' },
      ...Object.fromEntries(communities.map((name, i) => [`c${i}`, { name, kind: 'community', above: 'street', code: `42011100600${i + 1}` }])),
    },
    people: {
      editor: { name: '李慧', unit: 'civil', title: '科员', account: 'civil.li', password: 'Lake-Silk-34-Moon', roles: ['burden_editor'] },
      other: { name: '周洁', unit: 'health', title: '科员', account: 'health.zhou', password: 'Lake-Silk-37-Moon', roles: ['burden_editor'] },
      centre: { name: '陈立明', unit: 'centre', title: '数据专员', account: 'centre.chen', password: 'Lake-Silk-35-Moon', roles: ['catalog_editor', 'catalog_reviewer', 'catalog_centre', 'catalog_bureau'], perms: ['library.read', 'library.load', 'library.grant'].map((perm) => [perm, 'unit']) },
      checker: { name: '赵守正', unit: 'centre', title: '审查专员', account: 'centre.zhao', password: 'Lake-Silk-36-Moon', roles: ['burden_checker'] },
      community: { name: '刘芳', unit: 'c0', title: '社区书记', account: 'c0.liu', password: 'Lake-Silk-38-Moon' },
    },
  })
  const { centre } = office.people
  const lines = ['社区代码,社区名称,网格员数', ...communities.map((name, i) => `42011100600${i + 1},${name},${6 + i}`)]
  const dataset = await makeDataset(centre.client, {
    file: '社区网格.csv', bytes: Buffer.from(lines.join('\r\n')), choice: { name: 'grids', title: '社区网格', summary: '各社区网格员配备。' },
    correct: (columns) => columns.forEach((column) => Object.assign(column, column.title === '社区代码' ? { key: true, type: 'text' } : { key: false })),
  })
  await centre.client.post(`/api/library/datasets/${dataset}/grants`, { unit: office.units.civil, columns: ['社区代码', '社区名称', '网格员数'], reveal: [], purpose: '预填下发社区的报表', basis: '国发〔2016〕51号', until: new Date(Date.now() + 90 * 86_400_000).toISOString() })
  await publish(centre.client, dataset)
})
after(() => server?.stop())

/** Publishes the entry of the grids through the catalogue's own steps and binds its table. */
async function publish(centre, dataset) {
  const items = ['社区代码', '社区名称', '网格员数'].map((name, i) => ({ name, field: name, type: i === 2 ? 'I' : 'C', length: i === 2 ? 0 : 40, key: i === 0, level: 'L2' }))
  let e = await centre.post('/api/catalog/entries', {
    class: '2', item: '10', subject: '001', detail: '420111', name: grids, unit: office.units.centre, summary: '街道、社区、网格的划分与网格员配备。', format: 'database', sub: 'mysql',
    share: 'unconditional', mode: 'table', cycle: 'halfyear', items,
  })
  e = await centre.post(`/api/catalog/entries/${e.id}/submit`, { version: e.version })
  for (const outcome of ['agree', 'agree', 'publish']) {
    const found = await centre.get(`/api/flow/cases/${e.case}`)
    await centre.post(`/api/flow/cases/${e.case}/deeds`, { verb: 'submit', task: found.mine[0].id, outcome })
  }
  await centre.post(`/api/catalog/entries/${e.id}/mounts`, { kind: 'table', dataset })
}

async function at(who, options = {}) {
  const b = await openBrowser(server.url, { expected: refused, ...options })
  await office.people[who].client.lend(b.context)
  return b
}

/** Finishes a deed of a case: a click on its button, then on the dialog's. */
async function finish(page, name, reason) {
  await page.getByRole('group', { name: '办理' }).getByRole('button', { name, exact: true }).click()
  const dialog = page.getByRole('dialog')
  if (reason) await dialog.getByLabel(/理由|原因/).fill(reason)
  await dialog.getByRole('button', { name, exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
}

it('drafts from the spreadsheet the department has', async () => {
  const b = await at('editor')
  const { page } = b
  await b.go('/burden/new')
  await b.gate('burden-new')
  const sheet = workbook(
    [['社区治理力量情况统计表'], ['序号', '社区名称', '网格力量', '', '联系电话', '是否智慧社区', '备注'], ['', '', '网格员数量（人）', '志愿者数（人）'], [1, '', '', '', '', '', '']],
    ['A1:G1', 'A2:A3', 'B2:B3', 'C2:D2', 'E2:E3', 'F2:F3', 'G2:G3'],
  )
  await page.locator('input[type=file]').setInputFiles({ name: `${title}.xlsx`, mimeType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', buffer: sheet })
  await page.getByRole('heading', { name: title, level: 1 }).waitFor()
  assert.equal(await page.getByLabel(/：字段名称$/).count(), 6)
  assert.equal(await page.getByLabel('第 2 个字段：字段名称').inputValue(), '网格员数量')
  await page.getByLabel('用途').fill('掌握社区治理力量底数，制定社区工作者配备方案')
  await page.getByLabel('填报依据').fill('《武汉市社区工作者管理办法》第九条')
  await page.getByLabel('截止日期').fill(new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 10))
  await page.getByLabel('全区').check()
  await page.getByText('已选 3 个单位').waitFor()
  await page.getByRole('button', { name: '保存', exact: true }).click()
  await page.getByText('有 1 个字段平台已有').waitFor()
  await whole(b, 'burden-draft')
  report = page.url().split('/').at(-1)
  await b.close()
})

it('what is held may not be asked: refused by name, then filled in', async () => {
  const b = await at('editor')
  const { page } = b
  await b.go(`/burden/reports/${report}`)
  await page.getByText('平台已有，无条件共享').waitFor()
  await page.getByRole('button', { name: '提交准入审查' }).click()
  await page.getByText(/不得重复|不得要求/).first().waitFor()
  await page.getByText(new RegExp(`区大数据中心.*${grids}`)).first().waitFor()
  await b.gate('burden-refused')
  await page.getByRole('button', { name: `就是它，平台预填：“网格员数量”取《${grids}》的“网格员数”` }).click()
  await page.getByText(`由《${grids}》的“网格员数”预填`).first().waitFor()
  await page.getByRole('button', { name: '提交准入审查' }).click()
  await page.locator('.page.case').waitFor()
  await whole(b, 'burden-filed')
  await b.close()
})

it('is checked field by field, approved and sent', async () => {
  const check = await at('checker')
  await check.go('/burden?view=check')
  await check.gate('burden-list')
  await check.page.getByRole('link', { name: title }).click()
  await check.page.getByLabel('不准采集“备注”', { exact: true }).check()
  await check.page.getByLabel('不准采集“备注”的理由').fill('没有明确用途')
  await whole(check, 'burden-check')
  await finish(check.page, '准予下发')
  await check.close()
  const b = await at('editor')
  const { page } = b
  await b.go(`/burden/reports/${report}`)
  await page.getByRole('button', { name: '下发', exact: true }).click()
  await b.gate('burden-send')
  await page.getByRole('dialog').getByRole('button', { name: '下发给 3 个单位' }).click()
  await page.getByRole('heading', { name: new RegExp(`${title} · `) }).waitFor()
  await page.getByText('已交 0/3').waitFor()
  round = page.url().split('/').at(-1)
  await whole(b, 'burden-round')
  await b.close()
})

it('another department that asks the same is shown the first', async () => {
  const b = await at('other')
  const made = await office.people.other.client.post('/api/burden/reports', { title: '志愿服务情况月报', purpose: '安排健康宣传志愿服务', basis: '部门年度计划', period: 'monthly', level: 'community', due: '', list: false, expected: 1, targets: [office.units.street], fields: [{ key: 'f1', name: '志愿者数', kind: 'number' }, { key: 'f2', name: '宣传次数', kind: 'number' }] })
  await b.go(`/burden/reports/${made.id}`)
  await b.page.getByText(`区民政局的《${title}》也在采集“志愿者数”`).waitFor()
  await b.page.getByRole('button', { name: `建议共用一次采集：《${title}》的“志愿者数”` }).click()
  await b.page.getByText('共用建议待对方答复').waitFor()
  await b.gate('burden-same')
  await b.close()
  const mine = await at('editor')
  await mine.go(`/burden/reports/${report}`)
  await mine.page.getByRole('button', { name: '同意共用' }).click()
  await mine.page.getByText('已同意', { exact: true }).waitFor()
  await mine.gate('burden-share')
  await mine.close()
})

it('a community fills it in on the phone', async () => {
  const b = await at('community', { viewport: phone })
  const { page } = b
  await b.go('/burden/sheets')
  await whole(b, 'burden-sheets')
  await page.getByRole('link', { name: new RegExp(title) }).click()
  await page.getByText('平台已填好 2 项').waitFor()
  assert.match(await page.locator('.given').innerText(), /石牌岭社区[\s\S]*6/)
  await page.getByRole('button', { name: '提交', exact: true }).waitFor()
  await page.getByLabel('志愿者数').fill('很多')
  await page.getByRole('button', { name: '提交', exact: true }).click()
  await page.getByText('“志愿者数”应为数字').first().waitFor()
  await b.gate('burden-fill-wrong')
  await page.getByLabel('志愿者数').fill('86')
  await page.getByLabel('联系电话').fill('027-87654321')
  await page.getByLabel('是否智慧社区').selectOption('是')
  await page.getByRole('button', { name: '数据有误：网格员数量' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('正确的内容').fill('7')
  await dialog.getByLabel('依据或理由').fill('上月新增一名网格员')
  await b.gate('burden-fix')
  await dialog.getByRole('button', { name: '提出校核' }).click()
  await page.locator('.given').getByText('已提出校核').waitFor()
  await whole(b, 'burden-fill')
  await page.getByRole('button', { name: '提交', exact: true }).click()
  await page.getByText('已提交', { exact: true }).first().waitFor()
  await b.gate('burden-submitted')
  await b.go('/burden/tips')
  await page.getByRole('button', { name: '反映“这张表没批过”' }).click()
  await page.getByLabel('报表名称').fill('反诈宣传日报')
  await page.getByLabel('谁发的').fill('工作群转发')
  await b.gate('burden-tip')
  await page.getByRole('button', { name: '提交反映' }).click()
  await page.getByText('反诈宣传日报').waitFor()
  await b.gate('burden-tips')
  await b.close()
})

it('the meter shows what was saved, and the sender sees the result', async () => {
  const b = await at('checker')
  const { page } = b
  await b.go('/burden/meter')
  await page.getByText('占原要求').waitFor()
  const m = await office.people.checker.client.get('/api/burden/meter?by=street')
  assert.equal(m.whole.sheets, 3)
  assert.equal(m.whole.done, 1)
  assert.ok(m.whole.prefilledSeconds > 0 && m.whole.refusedSeconds > 0 && m.whole.leftSeconds < m.whole.askedSeconds)
  await whole(b, 'burden-meter')
  await page.getByRole('button', { name: '卓刀泉街道' }).click()
  await page.getByRole('heading', { name: /卓刀泉街道/, level: 1 }).waitFor()
  await page.getByRole('button', { name: communities[0] }).waitFor()
  await b.gate('burden-meter-street')
  await b.go('/burden/tips')
  await page.getByLabel('对“反诈宣传日报”的答复').fill('已责令停止')
  await page.getByRole('button', { name: '属实，已处理' }).click()
  await page.getByText('答复：已责令停止').waitFor()
  await b.gate('burden-tip-answered')
  await b.close()
  const mine = await at('editor')
  await mine.go(`/burden/rounds/${round}`)
  await mine.page.getByText('已交 1/3').waitFor()
  await mine.page.getByRole('link', { name: communities[0] }).click()
  await mine.page.getByRole('button', { name: '退回' }).waitFor()
  await mine.gate('burden-sheet-sender')
  await mine.close()
})

it('speaks English and fits the care theme', async () => {
  const english = await at('checker', { lang: 'en-GB' })
  await english.go('/burden/meter')
  await english.gate('burden-meter-en')
  await english.go(`/burden/reports/${report}`)
  await english.gate('burden-report-en')
  await english.close()
  const care = await at('community', { theme: 'care', viewport: phone })
  await care.go('/burden/sheets?view=done')
  await care.gate('burden-sheets-care')
  await care.go('/burden/fixes')
  await care.gate('burden-fixes-care')
  await care.close()
})
