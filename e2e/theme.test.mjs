// A data officer builds a theme library: two steps with tests, is told what is wrong, releases and runs it; a test that fails keeps the
// version before; lineage leads from a number down to the file; a reader of another unit sees that something is there, and no more.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { openBrowser, phone } from './lib/browser.mjs'
import { fictionalID, makeDataset, toGBK } from './lib/data.mjs'
import { openOffice } from './lib/office.mjs'
import { startServer } from './lib/server.mjs'
import { whole } from './lib/whole.mjs'

const refused = [/status of 4\d\d/]
const officer = ['library.read', 'library.load', 'library.grant', 'theme.read', 'theme.build', 'theme.release', 'query.use', 'query.sql'].map((perm) => [perm, 'unit'])
const streets = ['关山街道', '珞南街道', '洪山街道', '狮子山街道']

let server, office, families
const lines = (n, bad = -1) => {
  const out = ['姓名,公民身份号码,街道,家庭人口,补助金额']
  for (let i = 0; i < n; i++) out.push(`${'王李张刘陈'[i % 5]}某${'一二三四五六七八九'[i % 9]},${fictionalID(i)},${i === bad ? '城外' : streets[(i * i) % 4]},${1 + (i % 5)},${(600 + (i % 40) * 12.5).toFixed(2)}`)
  return toGBK(out.join('\r\n'))
}
before(async () => {
  server = await startServer()
  office = await openOffice(server, {
    units: {
      district: { name: '洪山区', kind: 'district' },
      centre: { name: '区大数据中心', kind: 'institution', above: 'district' },
      civil: { name: '区民政局', kind: 'department', above: 'district' },
    },
    people: {
      officer: { name: '陈立明', unit: 'centre', title: '数据专员', account: 'centre.data', password: 'Lake-Silk-33-Moon', perms: officer },
      reader: { name: '李慧', unit: 'civil', title: '科员', account: 'civil.reader', password: 'Lake-Silk-34-Moon', perms: [['query.use', 'unit'], ['query.sql', 'unit']] },
    },
  })
  families = await makeDataset(office.people.officer.client, { file: '低保家庭2023.csv', bytes: lines(600), choice: { name: 'families', title: '低保家庭信息', summary: '区民政系统登记的低保家庭，每月更新。' } })
})
after(() => server?.stop())

async function at(who, options = {}) {
  const b = await openBrowser(server.url, { expected: refused, ...options })
  await office.people[who].client.lend(b.context)
  return b
}

it('builds a library step by step, is told what is wrong, releases and runs it', async () => {
  const b = await at('officer')
  const { page } = b
  await b.go('/theme')
  await b.gate('theme-none')
  await page.getByRole('button', { name: '新建主题库' }).click()
  await page.locator('#field-title').fill('救助主题库')
  await page.locator('#field-name').fill('jiuzhu')
  await page.locator('#field-summary').fill('低保家庭清洗后按街道汇总。')
  await b.gate('theme-new')
  await page.getByRole('button', { name: '新建', exact: true }).click()
  await page.getByRole('heading', { name: '救助主题库' }).waitFor()
  await page.getByRole('button', { name: '添加步骤' }).click()
  await page.locator('#field-step-title').fill('低保家庭清洗')
  await page.locator('#field-step-name').fill('clean_families')
  await page.locator('#field-step-name').press('Tab')
  const sql = page.getByRole('textbox', { name: '加工语句' })
  await sql.fill('SELECT 公民身份号码, 姓名, 街道, 补助金额\nFORM families')
  await sql.press('Control+Enter')
  await page.getByText('第 2 行第 6 个字').first().waitFor()
  await b.gate('theme-step-wrong')
  await sql.fill('SELECT 公民身份号码, 姓名, 街道, 家庭人口, 补助金额\nFROM families\nWHERE 补助金额 > 0')
  await sql.press('Control+Enter')
  await page.getByLabel('公民身份号码 是查询键').check()
  await page.getByLabel('检查的种类').selectOption('values')
  await page.getByRole('button', { name: '添加检查' }).click()
  await page.getByLabel('第 1 项检查的列').selectOption('街道')
  await page.getByLabel('第 1 项检查允许的值').fill(streets.join('\n'))
  await page.getByLabel('检查的种类').selectOption('rows_min')
  await page.getByRole('button', { name: '添加检查' }).click()
  await page.getByRole('button', { name: '保存草稿' }).click()
  await page.getByRole('button', { name: '预览结果' }).click()
  await page.locator('table td', { hasText: '关山街道' }).first().waitFor()
  assert.equal(await page.getByText(fictionalID(0)).count(), 0, 'the preview is masked')
  await whole(b, 'theme-step')

  await page.getByRole('button', { name: '添加步骤' }).click()
  await page.locator('#field-step-title').fill('分街道救助')
  await page.locator('#field-step-name').fill('by_street')
  await page.locator('#field-step-name').press('Tab')
  await sql.fill('SELECT 街道, count(*) AS 户数, sum(补助金额) AS 金额\nFROM clean_families\nGROUP BY 街道')
  await sql.press('Control+Enter')
  await page.getByText('clean_families.补助金额').waitFor()
  await whole(b, 'theme-steps')

  await page.getByRole('button', { name: '发布步骤' }).click()
  await page.getByRole('dialog').getByRole('button', { name: '发布步骤' }).click()
  await page.getByRole('button', { name: '立即运行' }).click()
  await page.locator('[data-state="done"]').waitFor()
  await page.getByText('已发布第 1 版').first().waitFor()
  await whole(b, 'theme-run')
  await page.getByRole('button', { name: '运行记录' }).click()
  await page.getByRole('button', { name: '查看第 1 次运行' }).waitFor()
  await b.gate('theme-runs')
  await page.getByRole('button', { name: '设置', exact: true }).click()
  await page.locator('#field-every').selectOption('daily')
  await page.locator('#field-at').fill('02:30')
  await b.gate('theme-settings')
  await b.close()
})

it('keeps the version before when a test fails, and shows the rows that fail masked', async () => {
  const { client } = office.people.officer
  await makeDataset(client, { file: '低保家庭2024.csv', bytes: lines(600, 77), choice: { dataset: families, name: 'families', title: '低保家庭信息' } })
  const b = await at('officer')
  const { page } = b
  await b.go('/theme')
  await page.getByRole('link', { name: '救助主题库' }).click()
  await page.getByRole('button', { name: '立即运行' }).click()
  await page.locator('[data-state="failed"]').waitFor()
  await page.getByText('查看前 1 行（已脱敏）').click()
  await page.locator('td', { hasText: '城外' }).waitFor()
  assert.equal(await page.getByText(fictionalID(77)).count(), 0)
  await whole(b, 'theme-failed')
  await b.go('/theme')
  await page.getByText('运行失败').waitFor()
  await b.gate('theme-list')
  await b.close()
})

it('leads from a number down to the file, drawn and in words', async () => {
  const b = await at('officer')
  const { page } = b
  await b.go('/theme/lineage')
  await b.gate('theme-lineage-list')
  await page.getByRole('link', { name: '分街道救助' }).click()
  await page.getByText('低保家庭2024.csv').waitFor()
  await page.locator('.node.focus').getByRole('button', { name: '金额' }).click()
  await b.gate('theme-lineage')
  await page.getByRole('button', { name: '以表格查看' }).click()
  await page.getByText('低保家庭清洗·补助金额').first().waitFor()
  await b.gate('theme-lineage-words')
  await b.go(`/library/datasets/${families}`)
  await page.getByRole('link', { name: '血缘', exact: true }).waitFor()
  await b.go('/query/sql')
  const sql = page.getByRole('textbox', { name: 'SQL 语句' })
  await sql.fill('SELECT 街道, 金额 / 户数 AS 户均 FROM by_street ORDER BY 户均 DESC')
  await page.getByRole('button', { name: '执行' }).click()
  await page.getByTestId('summary').waitFor()
  await page.getByRole('button', { name: '数字从哪里来' }).click()
  await page.getByRole('dialog').getByText('低保家庭2024.csv').waitFor()
  await b.gate('query-origin')
  await b.close()
})

it('tells a reader of another unit that something is there, and no more', async () => {
  const { client } = office.people.officer
  const made = (await client.get('/api/theme/datasets?text=分街道')).items[0]
  await client.post(`/api/library/datasets/${made.id}/grants`, { unit: office.units.civil, columns: ['街道', '户数'], modes: ['look'], purpose: '核对社会救助', basis: '《社会救助暂行办法》第五十八条', until: new Date(Date.now() + 90 * 86_400_000) })
  const b = await at('reader')
  const { page } = b
  await b.go(`/theme/lineage?dataset=${made.id}`)
  await page.getByText('无权查看').first().waitFor()
  assert.equal(await page.getByText('低保家庭清洗').count(), 0)
  await b.gate('theme-lineage-hidden')
  await b.close()
})

it('fits a phone, the care theme and English', async () => {
  const narrow = await at('officer', { viewport: phone })
  await narrow.go('/theme')
  await narrow.gate('theme-phone')
  await narrow.page.getByRole('link', { name: '救助主题库' }).click()
  await narrow.page.getByRole('heading', { name: '救助主题库' }).waitFor()
  await narrow.gate('theme-library-phone')
  await narrow.go('/theme/lineage')
  await narrow.page.getByRole('link', { name: '分街道救助' }).click()
  await narrow.page.getByText('低保家庭清洗·补助金额').first().waitFor()
  await narrow.gate('theme-lineage-phone')
  await narrow.close()
  const care = await at('officer', { theme: 'care' })
  await care.go('/theme')
  await care.gate('theme-care')
  await care.page.getByRole('link', { name: '救助主题库' }).click()
  await care.page.getByRole('button', { name: '添加步骤' }).waitFor()
  await care.gate('theme-library-care')
  await care.close()
  const english = await at('officer', { lang: 'en' })
  await english.go('/theme')
  await english.page.getByRole('link', { name: '救助主题库' }).click()
  await english.page.getByRole('button', { name: 'Add a step' }).waitFor()
  await english.gate('theme-library-en')
  await english.close()
})
