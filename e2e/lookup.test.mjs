// A colleague in another unit finds one record by its key, masked, and sees one field of it in clear with a reason; the ledger of the
// unit that owns the data shows both; somebody to whom nothing was granted sees nothing.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { openBrowser, phone } from './lib/browser.mjs'
import { fictionalID, makeDataset, toGBK } from './lib/data.mjs'
import { openOffice } from './lib/office.mjs'
import { startServer } from './lib/server.mjs'
import { whole } from './lib/whole.mjs'

const refused = [/status of 4\d\d/]
const owner = ['library.read', 'library.load', 'library.grant', 'lookup.find', 'lookup.ledger'].map((perm) => [perm, 'below'])
const purpose = '核对社会救助申请人的基本信息'

let server, office
before(async () => {
  server = await startServer()
  office = await openOffice(server, {
    units: {
      district: { name: '洪山区', kind: 'district' },
      centre: { name: '区大数据中心', kind: 'institution', above: 'district' },
      civil: { name: '区民政局', kind: 'department', above: 'district' },
      aid: { name: '社会救助科', kind: 'section', above: 'civil' },
      water: { name: '区水务和湖泊局', kind: 'department', above: 'district' },
    },
    people: {
      officer: { name: '陈立明', unit: 'centre', title: '数据专员', account: 'centre.data', password: 'Lake-Silk-33-Moon', perms: owner },
      reader: { name: '李慧', unit: 'aid', title: '科员', account: 'civil.reader', password: 'Lake-Silk-34-Moon', perms: [['lookup.find', 'unit']] },
      stranger: { name: '王治水', unit: 'water', title: '科员', account: 'water.staff', password: 'Lake-Silk-35-Moon', perms: [['lookup.find', 'unit']] },
    },
  })
  const lines = ['姓名,公民身份号码,手机号码,住址,家庭人口,低保等级']
  for (let n = 0; n < 300; n++) lines.push(`${'王李张刘陈'[n % 5]}某${'一二三四五六七八九'[n % 9]},${fictionalID(n)},139${10_000_000 + n},洪山区书城路${1 + n}号,${1 + (n % 5)},${'一二三'[n % 3]}档`)
  const { client } = office.people.officer
  const id = await makeDataset(client, { file: '低保家庭.csv', bytes: toGBK(lines.join('\r\n')), choice: { name: 'families', title: '低保家庭信息', summary: '区民政系统登记的低保家庭，每月更新。' } })
  const { columns } = await client.get(`/api/library/datasets/${id}`)
  await client.post(`/api/library/datasets/${id}/grants`, {
    unit: office.units.civil, columns: columns.map((column) => column.name), reveal: ['手机号码'], purpose, basis: '《社会救助暂行办法》第五十八条', until: new Date(Date.now() + 90 * 86_400_000),
  })
})
after(() => server?.stop())

async function at(who, options = {}) {
  const b = await openBrowser(server.url, { expected: refused, ...options })
  await office.people[who].client.lend(b.context)
  return b
}

it('finds one record, masked, and shows one field for a reason', async () => {
  const b = await at('reader')
  const { page } = b
  await b.go('/lookup')
  await b.gate('lookup-sources')
  await page.getByRole('button', { name: /按公民身份号码查询/ }).click()
  await page.getByLabel('公民身份号码').fill(fictionalID(12))
  assert.equal(await page.getByLabel('查询用途').inputValue(), purpose, 'the purpose it was granted for stands there')
  await page.getByLabel('查询用途').fill(`核对 ${fictionalID(12)} 的材料`)
  await page.getByRole('button', { name: '查询', exact: true }).last().click()
  await page.getByRole('alert').waitFor()
  await b.gate('lookup-purpose-refused')
  await page.getByRole('button', { name: '核实社会救助申请材料' }).click()
  await page.getByRole('button', { name: '查询', exact: true }).last().click()
  await page.getByText('找到 1 条').waitFor()
  const cell = (name) => page.locator(`[data-column="${name}"] dd`)
  assert.match(await cell('手机号码').innerText(), /^139\*+\d+/)
  assert.doesNotMatch(await page.locator('.record').innerText(), new RegExp(fictionalID(12)))
  assert.equal(await cell('家庭人口').innerText(), '3')
  assert.match(await page.getByRole('timer').innerText(), /^(10:00|9:5\d)$/)
  await b.gate('lookup-found')

  await cell('手机号码').getByRole('button', { name: /查看/ }).click()
  await page.getByRole('dialog').getByRole('textbox').fill('电话通知补交材料')
  await b.gate('lookup-reason')
  await page.getByRole('dialog').getByRole('button', { name: '查看原文' }).click()
  await page.getByText('13910000012').waitFor()
  await b.gate('lookup-revealed')

  await page.getByRole('button', { name: '我的查询' }).click()
  await page.getByText('电话通知补交材料').waitFor()
  await b.gate('lookup-mine')
  await page.goBack()
  await page.getByLabel('公民身份号码').waitFor()
  assert.equal(await page.getByLabel('公民身份号码').inputValue(), '', 'what was typed is gone')
  assert.equal(await page.locator('.record').count(), 0, 'what was found is gone')
  assert.doesNotMatch(page.url(), /420199/)
  await page.getByLabel('公民身份号码').fill(fictionalID(99_000))
  await page.getByRole('button', { name: '查询', exact: true }).last().click()
  await page.getByText('没有找到这个公民身份号码对应的记录').waitFor()
  await b.gate('lookup-none')
  await b.close()
})

it('declares oneself and a relative, whose records are marked when one looks', async () => {
  const b = await at('reader')
  const { page } = b
  await b.go('/lookup?tab=kin')
  await page.getByText('还没有登记').waitFor()
  await b.gate('lookup-kin-none')
  await page.getByLabel('公民身份号码').fill(fictionalID(40))
  await page.getByRole('button', { name: '登记', exact: true }).click()
  await page.locator('li', { hasText: '本人' }).waitFor()
  await page.getByLabel('公民身份号码').fill('420199')
  assert.equal(await page.getByRole('button', { name: '登记', exact: true }).isDisabled(), true)
  await page.getByLabel('关系').selectOption('parent')
  await page.getByLabel('公民身份号码').fill(fictionalID(41))
  await page.getByRole('button', { name: '登记', exact: true }).click()
  await page.locator('li', { hasText: '父母' }).waitFor()
  assert.doesNotMatch(await page.locator('ul').last().innerText(), new RegExp(fictionalID(41)))
  await b.gate('lookup-kin')
  await page.getByRole('button', { name: '撤回“父母”的登记' }).click()
  await page.getByRole('button', { name: '撤回', exact: true }).last().click()
  await page.getByText('一年内仍会标记').waitFor()

  await b.go('/lookup')
  await page.getByRole('button', { name: /按公民身份号码查询/ }).click()
  await page.getByLabel('公民身份号码').fill(fictionalID(41))
  await page.getByLabel('事项编号').fill('SQ2099-00001')
  await page.getByRole('button', { name: '查询', exact: true }).last().click()
  await page.getByText('找到 1 条').waitFor()
  await page.getByRole('button', { name: '我的查询' }).click()
  await page.getByText('未关联事项').first().waitFor()
  assert.equal(await page.getByText('疑似查家人').count(), 0, 'who looked is not told whose record it is')
  await b.close()
  const owner = await at('officer')
  await owner.go('/lookup/ledger?mark=household')
  await owner.page.locator('.el-table__row', { hasText: '疑似查家人' }).waitFor()
  await owner.gate('lookup-ledger-household')
  await owner.close()
})

it('shows the owner who looked, why, and what was seen in clear', async () => {
  const b = await at('officer')
  await b.go('/lookup/ledger')
  await b.gate('lookup-ledger')
  await b.page.locator('.el-table__row').nth(2).waitFor() // the look that found nothing stands there too
  await b.page.getByLabel('只看查看过原文的').check()
  await b.page.locator('.el-table__row').nth(1).waitFor({ state: 'detached' })
  await b.page.getByRole('button', { name: /李慧的查询/ }).click()
  await b.page.getByRole('dialog').getByText('电话通知补交材料').waitFor()
  const words = await b.page.getByRole('dialog').innerText()
  assert.doesNotMatch(words, /420199|1391/)
  await b.gate('lookup-ledger-one')
  await b.close()
})

it('shows nothing to somebody to whom nothing was granted', async () => {
  const b = await at('stranger')
  await b.go('/lookup')
  await b.page.getByText('还没有你可以查询的数据资源').waitFor()
  await b.gate('lookup-stranger')
  await b.go('/lookup/ledger')
  assert.equal(await b.page.getByText('李慧').count(), 0)
  await b.close()
})

for (const theme of ['light', 'care']) {
  it(`fits a phone in the ${theme} theme`, async () => {
    const b = await at('reader', { viewport: phone, theme })
    await b.go('/lookup')
    await whole(b, `lookup-sources-phone-${theme}`)
    await b.page.getByRole('button', { name: /按公民身份号码查询/ }).click()
    await b.page.getByLabel('公民身份号码').fill(fictionalID(30))
    await b.page.getByRole('button', { name: '查询', exact: true }).last().click()
    await b.page.locator('.record').waitFor()
    await whole(b, `lookup-found-phone-${theme}`)
    await b.close()
  })
}

it('reads well in the care theme and in English, the ledger on a phone', async () => {
  const care = await at('reader', { theme: 'care' })
  await care.go('/lookup')
  await care.gate('lookup-sources-care')
  await care.close()
  const small = await at('officer', { viewport: phone })
  await small.go('/lookup/ledger')
  await whole(small, 'lookup-ledger-phone')
  await small.close()
  const english = await at('officer', { lang: 'en-GB' })
  await english.go('/lookup/ledger')
  await english.gate('lookup-ledger-en')
  await english.close()
})
