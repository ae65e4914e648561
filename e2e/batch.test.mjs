// An officer of another unit holds a list against data that was granted to his unit for batches: the list is checked row by row, the
// answer comes back sealed, and the copy names who took it; the ledger of the unit that owns the data shows the run.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { openBrowser, phone } from './lib/browser.mjs'
import { fictionalID, makeDataset, toGBK } from './lib/data.mjs'
import { openOffice } from './lib/office.mjs'
import { startServer } from './lib/server.mjs'
import { whole } from './lib/whole.mjs'

const refused = [/status of 4\d\d/]
const purpose = '核对两病门诊用药保障对象的参保状态'

let server, office
before(async () => {
  server = await startServer()
  office = await openOffice(server, {
    units: {
      district: { name: '洪山区', kind: 'district' },
      centre: { name: '区大数据中心', kind: 'institution', above: 'district' },
      medical: { name: '区医疗保障局', kind: 'department', above: 'district' },
    },
    people: {
      officer: { name: '陈立明', unit: 'centre', title: '数据专员', account: 'centre.data', password: 'Lake-Silk-33-Moon', perms: ['library.read', 'library.load', 'library.grant', 'lookup.ledger', 'lookup.subject', 'batch.trace'].map((perm) => [perm, 'below']) },
      reader: { name: '刘敏', unit: 'medical', title: '待遇科科员', account: 'medical.reader', password: 'Lake-Silk-34-Moon', perms: [['batch.run', 'unit']] },
    },
  })
  const lines = ['姓名,公民身份号码,手机号码,参保街道,参保日期']
  for (let n = 0; n < 400; n++) lines.push(`${'王李张刘陈'[n % 5]}某${'一二三四五六七八九'[n % 9]},${fictionalID(n)},139${10_000_000 + n},${['关山街道', '珞南街道', '梨园街道'][n % 3]},2021-0${1 + (n % 9)}-01`)
  const { client } = office.people.officer
  const id = await makeDataset(client, { file: '参保人口.csv', bytes: toGBK(lines.join('\r\n')), choice: { name: 'insured', title: '基本医保参保人口', summary: '区内参保登记，每日更新。' } })
  const { columns } = await client.get(`/api/library/datasets/${id}`)
  await client.post(`/api/library/datasets/${id}/grants`, {
    unit: office.units.medical, columns: columns.map((column) => column.name), reveal: ['手机号码'], modes: ['batch'], quota: 50_000, purpose, basis: '《医疗保障基金使用监督管理条例》第二十七条', until: new Date(Date.now() + 90 * 86_400_000),
  })
})
after(() => server?.stop())

async function at(who, options = {}) {
  const b = await openBrowser(server.url, { expected: refused, ...options })
  await office.people[who].client.lend(b.context)
  return b
}

/** A list as offices send them: GBK, full-width digits, an old number, a wrong check digit, a blank, a repeat. */
function list() {
  const old = fictionalID(9)
  const rows = ['序号,患者姓名,身份证号']
  for (let n = 0; n < 40; n++) rows.push(`${n + 1},患者${n},${fictionalID(n * 3)}`)
  rows.push(`41,患者四一,${fictionalID(5).replace(/\d/g, (digit) => '０１２３４５６７８９'[digit])}`, `42,患者四二,${fictionalID(6).slice(0, 17)}${fictionalID(6)[17] === '0' ? '1' : '0'}`, '43,患者四三,无', `44,患者四四,${fictionalID(3)}`, `45,患者四五,${fictionalID(1800)}`, `46,患者四六,${old.slice(0, 6)}${old.slice(8, 17)}`)
  return toGBK(rows.join('\r\n'))
}

it('holds a list against granted data and takes a sealed copy', async () => {
  const b = await at('reader')
  const { page } = b
  await b.go('/batch')
  await page.getByText('还没有核验过').waitFor()
  await b.gate('batch-empty')
  await page.getByRole('link', { name: '新建核验' }).first().click()
  await page.getByRole('radio', { name: /基本医保参保人口/ }).check()
  assert.equal(await page.getByLabel('用途').inputValue(), purpose, 'the purpose it was granted for stands there')
  await page.getByText('把名单拖到这里').waitFor()
  await whole(b, 'batch-new')
  await page.locator('input[type=file]').setInputFiles({ name: '门诊用药名单.csv', mimeType: 'text/csv', buffer: list() })
  await page.getByRole('heading', { name: '检查结果' }).waitFor()
  assert.match(await page.locator('.figures').innerText(), /46[\s\S]*42[\s\S]*2/)
  await page.getByRole('button', { name: '逐行查看' }).click()
  await page.getByRole('dialog').getByText('没有填写号码').waitFor()
  await b.gate('batch-faults')
  await page.getByRole('dialog').getByRole('button', { name: '关闭' }).click()
  await page.getByRole('radio', { name: /授权字段/ }).check()
  await page.getByRole('checkbox', { name: /参保街道/ }).check()
  await page.getByRole('checkbox', { name: /手机号码/ }).first().check()
  await whole(b, 'batch-decide')
  await page.getByRole('button', { name: '开始核验' }).click()
  await page.getByText('命中率').waitFor()
  await page.getByRole('button', { name: '下载 CSV' }).waitFor()
  await whole(b, 'batch-done')
  await page.getByRole('button', { name: '下载 CSV' }).click()
  const password = await page.locator('[data-password]').innerText()
  assert.match(password, /^[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}$/)
  await b.gate('batch-password')
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: '下载副本' }).click()])
  assert.match(file.suggestedFilename(), /核验结果-基本医保参保人口-.*\.zip$/)
  await page.getByRole('dialog').getByRole('button', { name: '关闭' }).click()
  await page.getByText('副本记录').waitFor()
  const code = (await page.locator('.copies .mono').innerText()).trim()

  const o = await at('officer')
  await o.go('/batch/trace')
  await o.page.getByLabel('编号或文件内容').fill(`核验结果-基本医保参保人口-${code}.csv`)
  await o.page.getByRole('button', { name: '追查' }).click()
  await o.page.getByText(/由 刘敏/).waitFor()
  await whole(o, 'batch-trace')
  await o.go('/lookup/ledger?batch=yes')
  await o.page.getByText('批量核验 42 个号码').first().waitFor()
  await whole(o, 'batch-ledger')
  await o.go('/lookup/subject')
  await o.page.getByLabel('本人公民身份号码').fill(fictionalID(3))
  await o.page.getByLabel('受理情况').fill('本人到窗口申请，已核验身份证')
  await o.page.getByRole('button', { name: '查询', exact: true }).click()
  await o.page.getByText('共查过 1 次').waitFor()
  await whole(o, 'batch-subject')
  await o.close()
  await b.close()
})

it('refuses what is no list, in words', async () => {
  const b = await at('reader')
  const { page } = b
  await b.go('/batch/new')
  await page.getByRole('radio', { name: /基本医保参保人口/ }).check()
  await page.locator('input[type=file]').setInputFiles({ name: '扫描件.csv', mimeType: 'text/csv', buffer: Buffer.from('%PDF-1.4 nothing to see') })
  await page.getByRole('alert').first().waitFor()
  await whole(b, 'batch-refused')
  const wrong = ['编号,姓名,证件'].concat(Array.from({ length: 30 }, (_, n) => `A-${n},患者${n},${fictionalID(n)}`))
  await page.locator('input[type=file]').setInputFiles({ name: '名单.csv', mimeType: 'text/csv', buffer: Buffer.from('\uFEFF' + wrong.join('\r\n')) })
  await page.getByRole('heading', { name: '检查结果' }).waitFor()
  await page.getByLabel('证件号码在哪一列').selectOption({ label: '编号' })
  await page.getByText(/多半选错了列/).waitFor()
  assert.equal(await page.getByRole('button', { name: '开始核验' }).isDisabled(), true)
  await whole(b, 'batch-wrong-column')
  await b.close()
})

it('counts groups and hides small ones', async () => {
  const b = await at('reader')
  const { page } = b
  await b.go('/batch/new')
  await page.getByRole('radio', { name: /基本医保参保人口/ }).check()
  const rows = ['证件号码'].concat(Array.from({ length: 40 }, (_, n) => fictionalID(n * 3)), [fictionalID(1)])
  await page.locator('input[type=file]').setInputFiles({ name: '名单.csv', mimeType: 'text/csv', buffer: Buffer.from(rows.join('\r\n')) })
  await page.getByRole('radio', { name: /分组统计/ }).check()
  await page.getByLabel('按哪一列分组').selectOption({ label: '参保街道' })
  await page.getByRole('button', { name: '开始核验' }).click()
  await page.getByRole('heading', { name: '各组人数' }).waitFor()
  await page.getByText('不显示', { exact: true }).first().waitFor()
  await whole(b, 'batch-groups')
  await b.close()
})

for (const [name, options] of [['phone', { viewport: phone }], ['phone-care', { viewport: phone, theme: 'care' }], ['care', { theme: 'care' }], ['en', { lang: 'en' }]]) {
  it(`reads well: ${name}`, async () => {
    const b = await at('reader', options)
    await b.go('/batch')
    await whole(b, `batch-list-${name}`)
    await b.page.locator('a[href^="/batch/"]:not([href="/batch/new"])').last().click()
    await b.page.locator('dl.figures').first().waitFor()
    await whole(b, `batch-run-${name}`)
    await b.go('/batch/new')
    await b.page.locator('input[type=radio]').first().check()
    await whole(b, `batch-new-${name}`)
    await b.close()
  })
}
