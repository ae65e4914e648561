// A data officer looks at what was found in a dataset, puts rules in force, sees the rows that fail and sends them to be put right;
// a reader in another unit says what is wrong with what he looked up, and hears from the provider.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { openBrowser, phone } from './lib/browser.mjs'
import { fictionalID, makeDataset, toGBK } from './lib/data.mjs'
import { openOffice } from './lib/office.mjs'
import { startServer } from './lib/server.mjs'
import { whole } from './lib/whole.mjs'

const refused = [/status of 4\d\d/]
const below = (...perms) => perms.map((perm) => [perm, 'below'])

let server, office, dataset
before(async () => {
  server = await startServer()
  office = await openOffice(server, {
    units: {
      district: { name: '洪山区', kind: 'district' },
      civil: { name: '区民政局', kind: 'department', above: 'district' },
      housing: { name: '区住房保障和房屋管理局', kind: 'department', above: 'district' },
    },
    people: {
      officer: { name: '陈立明', unit: 'civil', title: '数据专员', account: 'civil.data', password: 'Lake-Silk-33-Moon', perms: below('library.read', 'library.load', 'library.grant', 'quality.read', 'quality.manage', 'lookup.find') },
      reader: { name: '李慧', unit: 'housing', title: '科员', account: 'housing.reader', password: 'Lake-Silk-34-Moon', perms: [['lookup.find', 'unit']] },
    },
  })
  const lines = ['公民身份号码,姓名,性别,人口,登记日期,注销日期']
  for (let n = 0; n < 400; n++)
    lines.push([fictionalID(n), `${'王李张刘陈'[n % 5]}某`, n % 50 === 0 ? '不详' : n % 2 ? '男' : '女', n % 20 === 0 ? 0 : 1 + (n % 5), '2023-05-12', n % 40 === 0 ? '2022-01-01' : ''].join(','))
  const { client } = office.people.officer
  dataset = await makeDataset(client, { file: '低保家庭2023.csv', bytes: toGBK(lines.join('\r\n')), choice: { name: 'families', title: '低保家庭信息', summary: '区民政系统登记的低保家庭。' } })
  await client.post(`/api/library/datasets/${dataset}/grants`, {
    unit: office.units.housing, columns: ['公民身份号码', '姓名', '人口'], modes: ['look'], purpose: '核对住房保障申请', basis: '《社会救助暂行办法》第五十八条', until: new Date(Date.now() + 90 * 86_400_000),
  })
})
after(() => server?.stop())

async function at(who, options = {}) {
  const b = await openBrowser(server.url, { expected: refused, ...options })
  await office.people[who].client.lend(b.context)
  return b
}

it('puts proposed rules in force, writes one of its own, sees the score, the rows and the profile, and raises a ticket', async () => {
  const b = await at('officer')
  const { page } = b
  await b.go('/quality')
  await page.getByRole('link', { name: '低保家庭信息' }).click()
  await page.getByRole('button', { name: /^规则/ }).click()
  const accept = page.getByRole('button', { name: /启用 \d+ 条建议并检查/ })
  await accept.waitFor()
  await b.gate('quality-proposed')
  await accept.click()
  await accept.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: '新增规则' }).click()
  const form = page.getByRole('dialog')
  await form.getByLabel(/^规则类型/).selectOption('range')
  await form.getByLabel(/^字段/).selectOption({ label: '人口' })
  await form.getByLabel(/^最小/).fill('1')
  await form.getByLabel(/^最大/).fill('20')
  await b.gate('quality-rule')
  await form.getByRole('button', { name: '保存规则' }).click()
  await form.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: '重新检查' }).click()
  const line = page.locator('.list li', { hasText: '人口' }).filter({ hasText: '值域' })
  await line.getByRole('button', { name: '20 行不合格' }).click()
  await page.getByText('第 1 版中共 20 行不合格，个人信息已脱敏。').waitFor()
  const rows = await page.getByRole('dialog').innerText()
  assert.ok(!rows.includes(fictionalID(0)), 'the rows that fail are masked')
  await b.gate('quality-rows')
  await page.keyboard.press('Escape')
  await b.gate('quality-rules')
  await page.getByRole('button', { name: /^得分/ }).click()
  await page.getByText('准确性').first().waitFor()
  await b.gate('quality-score')
  await page.getByRole('button', { name: '数据画像' }).click()
  await b.gate('quality-profile')
  await page.getByRole('button', { name: '检查记录' }).click()
  await b.gate('quality-history')
  await page.getByRole('button', { name: /^规则/ }).click()
  await line.getByRole('button', { name: '派发整改' }).click()
  await page.getByRole('link', { name: '办理' }).waitFor()
  await b.gate('quality-ticket')
  await b.go('/quality')
  await page.getByText('平均得分').waitFor()
  await b.gate('quality-scores')
  await b.close()
})

it('lets a reader say what is wrong with a record he found, and the provider answers it', async () => {
  const b = await at('reader')
  const { page } = b
  await b.go('/lookup')
  await page.getByRole('button', { name: /按公民身份号码查询/ }).click()
  await page.getByLabel('公民身份号码').fill(fictionalID(20))
  await page.getByLabel('查询用途').fill('核对住房保障申请')
  await page.getByRole('button', { name: '查询', exact: true }).last().click()
  await page.getByRole('link', { name: '有误？提出校核' }).click()
  await page.getByRole('heading', { name: '校核纠错' }).waitFor()
  await page.locator('form b', { hasText: '低保家庭信息' }).waitFor()
  await page.getByLabel(/^哪里有误/).fill('人口为 0，与实际不符')
  await b.gate('quality-report')
  await page.getByRole('button', { name: '提交校核' }).click()
  await page.getByText('人口为 0，与实际不符').first().waitFor()
  await b.gate('quality-report-sent')
  await b.close()

  const p = await at('officer')
  await p.go('/quality/tickets')
  await p.page.getByText('人口为 0，与实际不符').waitFor()
  await p.gate('quality-tickets')
  await p.page.getByRole('link', { name: '低保家庭信息' }).first().click()
  await p.page.getByRole('link', { name: '办理' }).click()
  await p.page.getByRole('heading', { level: 1 }).waitFor()
  await p.gate('quality-case')
  await p.close()
})

it('says where to begin when no dataset is named', async () => {
  const b = await at('reader')
  await b.go('/quality/report')
  await b.page.getByText('还没有指明数据资源').waitFor()
  await b.gate('quality-report-none')
  await b.close()
})

for (const theme of ['light', 'care'])
  it(`fits a phone in the ${theme} theme`, async () => {
    const b = await at('officer', { viewport: phone, theme })
    for (const [path, name] of [['/quality', 'scores'], [`/quality/${dataset}?tab=rules`, 'rules'], [`/quality/${dataset}`, 'score'], ['/quality/tickets', 'tickets']]) {
      await b.go(path)
      await b.page.getByRole('heading', { level: 1 }).waitFor()
      await whole(b, `quality-${name}-phone-${theme}`)
    }
    await b.close()
  })

it('reads well in the care theme and in English', async () => {
  const care = await at('officer', { theme: 'care' })
  await care.go(`/quality/${dataset}`)
  await care.page.getByRole('heading', { level: 1 }).waitFor()
  await care.gate('quality-score-care')
  await care.close()
  const english = await at('officer', { lang: 'en-GB' })
  await english.go('/quality')
  await english.page.getByRole('heading', { level: 1 }).waitFor()
  await english.gate('quality-scores-en')
  await english.close()
})
