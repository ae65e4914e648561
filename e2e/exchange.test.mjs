// A unit applies for another's data from the catalogue; the platform checks, the provider refuses, and then grants three fields
// for ninety days; a program calls with a signature; the provider revokes the grant, and the next call is refused.
import assert from 'node:assert/strict'
import { createHash, createHmac, randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { openBrowser, phone } from './lib/browser.mjs'
import { fictionalID, makeDataset, toGBK } from './lib/data.mjs'
import { openOffice } from './lib/office.mjs'
import { startServer } from './lib/server.mjs'
import { whole } from './lib/whole.mjs'

const refused = [/status of 4\d\d/]
const title = '常住人口基本信息'

let server, office, entry, grant, key
before(async () => {
  server = await startServer()
  office = await openOffice(server, {
    units: {
      district: { name: '洪山区', kind: 'district' },
      centre: { name: '区大数据中心', kind: 'institution', above: 'district' },
      police: { name: '区公安分局', kind: 'department', above: 'district', code: '11420111MB00001313' },
      civil: { name: '区民政局', kind: 'department', above: 'district' },
    },
    people: {
      applicant: { name: '李慧', unit: 'civil', title: '科员', account: 'civil.li', password: 'Lake-Silk-34-Moon', roles: ['exchange_applicant'] },
      provider: { name: '赵守正', unit: 'police', title: '信息科长', account: 'police.zhao', password: 'Lake-Silk-35-Moon', roles: ['exchange_provider', 'catalog_editor', 'catalog_reviewer'], perms: ['library.read', 'library.load'].map((perm) => [perm, 'unit']) },
      checker: { name: '陈立明', unit: 'centre', title: '共享专员', account: 'centre.chen', password: 'Lake-Silk-36-Moon', roles: ['exchange_centre', 'catalog_centre', 'catalog_bureau'] },
    },
  })
  const { provider, checker } = office.people
  const lines = ['公民身份号码,姓名,街道,年龄,婚姻状况']
  for (let n = 0; n < 120; n++) lines.push(`${fictionalID(n)},${'王李张刘陈'[n % 5]}某${'一二三四五六七八九'[n % 9]},${['关山街道', '狮子山街道', '洪山街道'][n % 3]},${20 + (n % 60)},${['已婚', '未婚'][n % 2]}`)
  const dataset = await makeDataset(provider.client, { file: '常住人口.csv', bytes: toGBK(lines.join('\r\n')), choice: { name: 'persons', title: '常住人口', summary: '公安分局常住人口库，每日更新。' } })
  entry = await publish(provider.client, checker.client, dataset)
})
after(() => server?.stop())

/** Publishes an entry about the dataset through the catalogue's own steps and binds it. */
async function publish(editor, bureau, dataset) {
  const { columns } = { columns: ['公民身份号码', '姓名', '街道', '年龄', '婚姻状况'] }
  const items = columns.map((name, i) => ({ name, field: name, type: name === '年龄' ? 'I' : 'C', length: name === '年龄' ? 0 : 40, key: i === 0, level: i < 2 ? 'L3' : 'L2', kind: ['id', 'name'][i] ?? '' }))
  let e = await editor.post('/api/catalog/entries', {
    class: '3', item: '01', subject: '001', detail: '420111', name: title, unit: office.units.police, summary: '全区常住人口的基本信息，供部门履职核对使用。', format: 'database', sub: 'mysql',
    share: 'conditional', condition: '限社会救助、养老服务等履职核对使用', mode: 'table', cycle: 'daily', items,
  })
  e = await editor.post(`/api/catalog/entries/${e.id}/submit`, { version: e.version })
  const deed = async (who, outcome) => {
    const found = await who.get(`/api/flow/cases/${e.case}`)
    await who.post(`/api/flow/cases/${e.case}/deeds`, { verb: 'submit', task: found.mine[0].id, outcome })
  }
  await deed(editor, 'agree')
  await deed(bureau, 'agree')
  await deed(bureau, 'publish')
  await bureau.post(`/api/catalog/entries/${e.id}/mounts`, { kind: 'table', dataset })
  return e.id
}

async function at(who, options = {}) {
  const b = await openBrowser(server.url, { expected: refused, ...options })
  await office.people[who].client.lend(b.context)
  return b
}

/** Calls as a program does. */
async function call(query = '') {
  const path = '/api/exchange/v1/resources/persons'
  const time = String(Math.floor(Date.now() / 1000))
  const nonce = randomUUID()
  const sorted = query.split('&').filter(Boolean).map((pair) => pair.split('=').map((part) => encodeURIComponent(decodeURIComponent(part))).join('=')).sort().join('&')
  const message = ['GET', path, sorted, time, nonce, createHash('sm3').update('').digest('hex')].join('\n')
  const signature = createHmac('sm3', key.secret).update(message).digest('hex')
  const answer = await fetch(`${server.url}${path}${query ? `?${query}` : ''}`, { headers: { 'X-Qushu-Key': key.id, 'X-Qushu-Time': time, 'X-Qushu-Nonce': nonce, 'X-Qushu-Signature': signature, 'Accept-Language': 'zh-CN' } })
  return { status: answer.status, body: await answer.json() }
}

/** Finishes a deed of a case: a click on its button, then on the dialog's. */
async function finish(page, name, reason) {
  await page.getByRole('group', { name: '办理' }).getByRole('button', { name, exact: true }).click()
  const dialog = page.getByRole('dialog')
  if (reason) await dialog.getByLabel(/理由|原因/).fill(reason)
  await dialog.getByRole('button', { name, exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
}

async function apply(b) {
  const { page } = b
  await b.go(`/exchange/apply?entry=${entry}`)
  await page.getByRole('textbox', { name: '履职需要' }).fill('核对社会救助申请人的户籍信息')
  await page.getByLabel('法律依据').fill('《社会救助暂行办法》第五十八条')
  await page.getByLabel('应用场景').fill('街道受理窗口在社会救助系统中逐人核对')
  await page.getByLabel(/接口调用/).check()
  await page.getByLabel(/定时投递/).check()
  await page.getByLabel('联系人').fill('李慧')
  await page.getByLabel('联系电话').fill('027-87678888')
}

it('applies from the catalogue; what is missing is said', async () => {
  const b = await at('applicant')
  const { page } = b
  await apply(b)
  await whole(b, 'exchange-apply')
  await page.getByRole('button', { name: '提交申请' }).click()
  await page.getByText('请阅读并作出安全承诺').first().waitFor()
  await b.gate('exchange-apply-missing')
  await page.getByLabel(/本单位承诺/).check()
  await page.getByRole('button', { name: '提交申请' }).click()
  await page.getByRole('heading', { name: title, level: 1 }).waitFor()
  await page.getByText('平台符合性审查').first().waitFor()
  await whole(b, 'exchange-filed')
  await b.close()
})

it('the platform checks, the provider refuses with a reason', async () => {
  const check = await at('checker')
  await check.go('/exchange')
  await check.page.getByRole('link', { name: title }).click()
  await finish(check.page, '符合要求')
  await check.page.getByText('提供方审批').first().waitFor()
  await check.close()
  const b = await at('provider')
  await b.go('/exchange?view=provided')
  await b.page.getByRole('link', { name: title }).click()
  await b.page.getByRole('heading', { name: '授权范围' }).waitFor()
  await finish(b.page, '不同意', '不需要姓名和婚姻状况')
  await b.page.locator('.reason').getByText('不需要姓名和婚姻状况').waitFor()
  await b.close()
  const mine = await at('applicant')
  await mine.go('/exchange')
  await mine.page.locator('.el-table .tag').getByText('不同意').waitFor()
  await mine.gate('exchange-applications')
  await mine.close()
})

it('is asked again, and grants three fields for ninety days', async () => {
  const asks = await at('applicant')
  await apply(asks)
  await asks.page.getByLabel(/本单位承诺/).check()
  await asks.page.getByRole('button', { name: '提交申请' }).click()
  await asks.page.getByText('平台符合性审查').first().waitFor()
  await asks.close()
  const check = await at('checker')
  await check.go('/exchange?state=review')
  await check.page.getByRole('link', { name: title }).click()
  await finish(check.page, '符合要求')
  await check.close()
  const b = await at('provider')
  const { page } = b
  await b.go('/exchange?state=review')
  await page.getByRole('link', { name: title }).click()
  await page.getByRole('heading', { name: '授权范围' }).waitFor()
  await page.getByLabel('姓名', { exact: true }).uncheck()
  await page.getByLabel('婚姻状况', { exact: true }).uncheck()
  await page.getByLabel('使用期限（天）').fill('90')
  await page.getByRole('button', { name: '添加条件' }).click()
  await page.getByLabel('第 1 个条件的信息项').selectOption({ label: '街道' })
  await page.getByLabel('第 1 个条件的值').fill('关山街道')
  await whole(b, 'exchange-decide')
  await finish(page, '同意共享')
  await page.getByRole('link', { name: '查看授权' }).click()
  await page.getByText('90 天').first().waitFor()
  await b.gate('exchange-grant-provider')
  grant = page.url().split('/').at(-1)
  await b.close()
})

it('a program calls with a key', async () => {
  const b = await at('applicant')
  const { page } = b
  await b.go('/exchange/grants')
  await b.gate('exchange-grants')
  await page.getByRole('link', { name: title }).click()
  await page.getByRole('button', { name: '接口调用' }).click()
  await page.getByRole('button', { name: '生成密钥' }).click()
  await page.getByRole('dialog').getByLabel('业务系统').fill('社会救助系统')
  await page.getByRole('dialog').getByRole('button', { name: '生成密钥' }).click()
  await page.locator('[data-secret]').waitFor()
  await b.gate('exchange-secret')
  const [id, secret] = await page.locator('code.secret').allInnerTexts()
  key = { id, secret }
  await page.getByRole('button', { name: '我已保存' }).click()
  const first = await call(`limit=5&filter=${encodeURIComponent('年龄:ge:30')}`)
  assert.equal(first.status, 200, JSON.stringify(first.body))
  assert.equal(first.body.items.length, 5)
  assert.deepEqual(Object.keys(first.body.items[0]), ['公民身份号码', '街道', '年龄'])
  assert.match(first.body.items[0]['公民身份号码'], /\*/)
  assert.ok(first.body.items.every((item) => item['街道'] === '关山街道' && item['年龄'] >= 30))
  assert.equal((await call('columns=%E5%A7%93%E5%90%8D')).status, 403)
  await page.getByLabel('条件，每行一个').fill('年龄:ge:60')
  await page.getByRole('button', { name: '调用', exact: true }).click()
  await page.getByRole('cell', { name: '关山街道' }).first().waitFor()
  await whole(b, 'exchange-program')
  await page.getByRole('button', { name: '使用情况' }).click()
  await b.page.reload()
  await page.getByText('被拒调用').waitFor()
  await b.gate('exchange-usage')
  await b.go('/exchange/figures')
  await b.gate('exchange-figures')
  await b.close()
})

it('what is granted is delivered to a folder, with its manifest', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qushu-e2e-folder-'))
  await office.system.call('PUT', '/api/settings/exchange.folder', { value: folder, reason: '试验投递', version: 0 })
  const b = await at('applicant')
  const { page } = b
  await b.go(`/exchange/grants/${grant}?tab=delivery`)
  await page.getByRole('button', { name: '新建投递' }).click()
  await page.getByLabel('名称').fill('每日送救助系统')
  await page.getByLabel('目录', { exact: true }).fill('civil')
  await whole(b, 'exchange-delivery-new')
  await page.getByRole('button', { name: '保存投递' }).click()
  await page.getByRole('button', { name: '立即投递' }).click()
  await page.getByText('已送达').first().waitFor()
  await page.getByRole('button', { name: '投递记录' }).click()
  await page.getByText('SHA-256').waitFor()
  await b.gate('exchange-deliveries')
  const files = readdirSync(join(folder, 'civil')).sort()
  assert.equal(files.length, 3, files.join())
  assert.ok(files.every((name) => !name.endsWith('.part')))
  rmSync(folder, { recursive: true })
  await b.close()
})

it('the provider revokes the grant, and the next call is refused', async () => {
  const b = await at('provider')
  const { page } = b
  await b.go(`/exchange/grants/${grant}`)
  await page.getByRole('button', { name: '撤销', exact: true }).click()
  await page.getByRole('dialog').getByLabel('理由').fill('救助系统已下线')
  await b.gate('exchange-revoke')
  await page.getByRole('dialog').getByRole('button', { name: '撤销', exact: true }).click()
  await page.getByText('已撤销').first().waitFor()
  const after = await call('limit=1')
  assert.equal(after.status, 403)
  assert.match(after.body.detail, /已撤销/)
  await b.close()
})

it('fits a phone, the care theme and English', async () => {
  const b = await at('applicant', { viewport: phone })
  await b.go('/exchange')
  await whole(b, 'exchange-applications-phone')
  await b.go(`/exchange/apply?entry=${entry}`)
  await b.page.getByRole('textbox', { name: '履职需要' }).waitFor()
  await whole(b, 'exchange-apply-phone')
  await b.go(`/exchange/grants/${grant}`)
  await whole(b, 'exchange-grant-phone')
  await b.close()
  const care = await at('applicant', { theme: 'care', viewport: phone })
  await care.go('/exchange/grants')
  await whole(care, 'exchange-grants-care')
  await care.close()
  const english = await at('provider', { lang: 'en-GB' })
  await english.go(`/exchange/grants/${grant}`)
  await english.gate('exchange-grant-en')
  await english.go('/exchange')
  await english.gate('exchange-applications-en')
  await english.close()
})
