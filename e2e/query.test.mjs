// A data officer puts a question together by choosing, draws it, keeps and shares it; writes SQL, is told where it is wrong and what he
// may not see; a colleague asks the same question with his own rights; the auditor reads what was asked.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { administrators, enter } from './lib/api.mjs'
import { openBrowser, phone } from './lib/browser.mjs'
import { fictionalID, makeDataset, toGBK } from './lib/data.mjs'
import { openOffice } from './lib/office.mjs'
import { startServer } from './lib/server.mjs'
import { whole } from './lib/whole.mjs'

const refused = [/status of 4\d\d/]
const officer = ['library.read', 'library.load', 'library.grant', 'query.use', 'query.sql'].map((perm) => [perm, 'below'])

let server, office, auditor
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
  auditor = await enter(server.url, administrators().audit)
  const streets = ['关山街道', '珞南街道', '洪山街道', '狮子山街道', '梨园街道', '张家湾街道', '青菱街道']
  const lines = ['姓名,公民身份号码,街道,家庭人口,补助金额,登记日期']
  for (let n = 0; n < 700; n++) lines.push(`${'王李张刘陈'[n % 5]}某${'一二三四五六七八九'[n % 9]},${fictionalID(n)},${streets[(n * n) % 7]},${1 + (n % 5)},${(600 + (n % 40) * 12.5).toFixed(2)},2023-${String(1 + (n % 12)).padStart(2, '0')}-15`)
  const { client } = office.people.officer
  const id = await makeDataset(client, { file: '低保家庭2023.csv', bytes: toGBK(lines.join('\r\n')), choice: { name: 'families', title: '低保家庭信息', summary: '区民政系统登记的低保家庭，每月更新。' } })
  await client.post(`/api/library/datasets/${id}/grants`, {
    unit: office.units.civil, columns: ['街道', '家庭人口'], filter: [{ column: '街道', op: 'eq', values: ['关山街道'] }], modes: ['look', 'api'],
    purpose: '核对社会救助', basis: '《社会救助暂行办法》第五十八条', until: new Date(Date.now() + 90 * 86_400_000),
  })
})
after(() => server?.stop())

async function at(who, options = {}) {
  const b = await openBrowser(server.url, { expected: refused, ...options })
  await office.people[who].client.lend(b.context)
  return b
}
const drawn = (page) => page.locator('.chart[data-ready="true"]').waitFor()

it('puts a question together, draws it, tells where it came from, keeps and shares it', async () => {
  const b = await at('officer')
  const { page } = b
  await b.go('/query')
  await page.getByLabel('数据资源').selectOption('families')
  await page.getByRole('button', { name: '添加条件' }).click()
  await page.getByLabel('第 1 个条件的列').selectOption('家庭人口')
  await page.getByLabel('第 1 个条件的比较方式').selectOption('ge')
  await page.getByLabel('第 1 个条件的值').fill('2')
  await page.getByRole('button', { name: '添加统计' }).click()
  await page.getByLabel('第 2 个统计的列').selectOption('补助金额')
  await page.getByLabel('第 1 个分组的列').selectOption('街道')
  await page.getByLabel('排序', { exact: true }).selectOption('2')
  await b.gate('query-build')
  await page.getByRole('button', { name: '查询', exact: true }).click()
  await drawn(page)
  assert.match(await page.getByTestId('summary').innerText(), /^4 行/)
  await b.gate('query-build-chart')
  await page.getByRole('button', { name: '以表格查看' }).click()
  assert.equal(await page.locator('tbody tr').count(), 4)
  await page.getByText('数据来源：低保家庭信息 第 1 版').click()
  await page.getByText('低保家庭2023.csv').waitFor()
  await page.getByText('这条查询的 SQL').click()
  assert.match(await page.locator('.sql pre').innerText(), /GROUP BY 1/)
  await b.gate('query-build-sources')
  await page.getByRole('button', { name: '饼图' }).click()
  await drawn(page)
  await b.gate('query-build-pie')
  await page.getByRole('button', { name: '柱状图' }).click()

  await page.getByRole('button', { name: '保存查询' }).click()
  await page.getByLabel('名称').fill('各街道低保补助')
  await b.gate('query-save')
  await page.getByRole('button', { name: '保存', exact: true }).click()
  await page.getByRole('heading', { name: '各街道低保补助' }).waitFor()
  await drawn(page)
  await page.getByRole('combobox', { name: '共享给单位' }).fill('民政')
  await page.getByRole('option', { name: /区民政局/ }).click()
  await page.getByRole('button', { name: '共享', exact: true }).first().click()
  await page.locator('.chip', { hasText: '区民政局' }).waitFor()
  await b.gate('query-saved')

  await page.getByRole('button', { name: '导出' }).click()
  await page.getByRole('button', { name: '生成文件' }).click()
  await b.go('/query/exports')
  const link = page.getByRole('link', { name: '下载' })
  while (!(await link.count())) {
    await page.getByRole('button', { name: '刷新' }).click()
    await page.waitForTimeout(200)
  }
  await b.gate('query-exports')
  await b.close()
})

it('writes SQL: names from the list, errors by their line, what is not granted by name, a question stopped', async () => {
  const b = await at('officer')
  const { page } = b
  await b.go('/query/sql')
  const sql = page.getByRole('textbox', { name: 'SQL 语句' })
  await sql.fill('SELECT ')
  await page.locator('summary', { hasText: '低保家庭信息' }).click()
  await page.locator('button.col', { hasText: '街道' }).click()
  assert.equal(await sql.inputValue(), 'SELECT 街道')
  await sql.pressSequentially(', count(*) AS 户数, sum(补助金额) AS 金额\nFORM families')
  await sql.press('Control+Enter')
  await page.getByRole('alert').waitFor()
  assert.match(await page.getByRole('alert').innerText(), /第 2 行第 1 个字/)
  await b.gate('query-sql-wrong')
  await sql.fill("SELECT 街道, count(*) AS 户数, sum(补助金额) AS 金额 -- 每街道\nFROM families\nWHERE 登记日期 >= DATE '2023-01-01' AND 家庭人口 >= $least\nGROUP BY 街道\nORDER BY 户数 DESC")
  await page.locator('#field-params\\.least').fill('2')
  await page.getByLabel('类型').selectOption('integer')
  await page.getByRole('button', { name: '执行' }).click()
  await page.getByTestId('summary').waitFor()
  await b.gate('query-sql')
  await sql.fill('SELECT 姓名 FROM families')
  await sql.press('Control+Enter')
  await page.getByRole('alert').getByText(/没有在“低保家庭信息”中直接使用“姓名”/).waitFor()
  await sql.fill("SELECT * FROM read_csv('/etc/passwd')")
  await sql.press('Control+Enter')
  await page.getByRole('alert').getByText(/不能用“read_csv”/).waitFor()
  await b.gate('query-sql-refused')
  await sql.fill('SELECT 街道 FROM families AT (VERSION => 9)')
  await sql.press('Control+Enter')
  await page.getByRole('alert').getByText(/历史版本已经清理/).waitFor()
  await sql.fill('SELECT count(*) AS 户数 FROM families AT (VERSION => 1)')
  await page.getByLabel('数据时点').fill('2020-01-01T00:00')
  await sql.press('Control+Enter')
  await page.getByTestId('summary').getByText(/^1 行/).waitFor()
  await sql.fill('SELECT count(*) AS 户数 FROM families')
  await sql.press('Control+Enter')
  await page.getByRole('alert').getByText(/在 2020-01-01 00:00 还没有数据/).waitFor()
  await b.gate('query-sql-asof')
  await page.getByLabel('数据时点').fill('')
  await sql.fill('SELECT count(*) FROM families a, families b, families c, families d WHERE a.家庭人口 + b.家庭人口 + c.家庭人口 = d.家庭人口')
  await page.getByRole('button', { name: '执行' }).click()
  await page.getByRole('button', { name: '停止' }).click()
  await page.getByRole('button', { name: '停止' }).waitFor({ state: 'detached' })
  await page.getByRole('button', { name: '可用函数' }).click()
  await b.gate('query-functions')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: '我的查询记录' }).click()
  await page.getByText('已停止').first().waitFor()
  await b.gate('query-runs')
  await b.close()
})

it('answers a shared question with the rights of who asks it', async () => {
  const b = await at('reader')
  const { page } = b
  await b.go('/query/saved')
  await b.gate('query-saved-list')
  await page.getByRole('link', { name: '各街道低保补助' }).click()
  await page.getByRole('alert').getByText(/补助金额/).waitFor()
  await b.gate('query-saved-denied')
  await b.go('/query/sql')
  await page.getByRole('textbox', { name: 'SQL 语句' }).fill('SELECT 街道, count(*) AS 户数 FROM families GROUP BY 街道')
  await page.getByRole('button', { name: '执行' }).click()
  await page.getByTestId('summary').waitFor()
  assert.deepEqual(await page.locator('tbody tr td:nth-child(2)').allInnerTexts(), ['关山街道'], 'only the rows granted')
  await page.getByText(/数据来源/).click()
  await page.getByText('只含授权给您的行').waitFor()
  await b.close()
})

it('shows the auditor what was asked', async () => {
  const b = await openBrowser(server.url, { expected: refused })
  await auditor.lend(b.context)
  await b.go('/query/history')
  await b.page.getByText('/etc/passwd').waitFor()
  await b.gate('query-history')
  await b.close()
})

for (const theme of ['light', 'care']) {
  it(`fits a phone in the ${theme} theme`, async () => {
    const b = await at('officer', { viewport: phone, theme })
    const { page } = b
    await b.go('/query')
    await page.getByLabel('数据资源').selectOption('families')
    await page.getByLabel('第 1 个分组的列').selectOption('街道')
    await page.getByRole('button', { name: '查询', exact: true }).click()
    await drawn(page)
    await whole(b, `query-build-phone-${theme}`)
    await b.go('/query/sql')
    await page.getByRole('textbox', { name: 'SQL 语句' }).fill('SELECT 街道, count(*) FROM families GROUP BY 1')
    await page.getByRole('button', { name: '执行' }).click()
    await page.getByTestId('summary').waitFor()
    await whole(b, `query-sql-phone-${theme}`)
    await b.close()
  })
}

it('reads well in the care theme and in English', async () => {
  const care = await at('officer', { theme: 'care' })
  await care.go('/query/sql')
  await care.gate('query-sql-care')
  await care.close()
  const english = await at('officer', { lang: 'en-GB' })
  await english.go('/query')
  await english.page.getByLabel('Dataset').selectOption('families')
  await english.gate('query-build-en')
  await english.go('/query/saved')
  await english.gate('query-saved-en')
  await english.close()
})
