// A data officer with a second factor brings in the CSV an office saved from Excel, in GBK and with faults: the network is cut in the
// middle, a type is corrected, refused rows are listed and downloaded, the table is shared with another unit and replaced.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, it } from 'node:test'
import { openBrowser, phone } from './lib/browser.mjs'
import { fictionalID, toGBK } from './lib/data.mjs'
import { openOffice } from './lib/office.mjs'
import { startServer } from './lib/server.mjs'
import { signIn } from './lib/signin.mjs'
import { whole } from './lib/whole.mjs'

const rows = 24_000 // more than a mebibyte: two chunks
const cut = [/ERR_INTERNET_DISCONNECTED/, /status of 4\d\d/] // what the browser says of a lost network, and of a 401 before signing in
const perms = ['library.read', 'library.load', 'library.grant', 'lookup.find', 'lookup.ledger'].map((perm) => [perm, 'below'])

let server, office
before(async () => {
  server = await startServer()
  office = await openOffice(server, {
    units: {
      district: { name: '洪山区', kind: 'district' },
      centre: { name: '区大数据中心', kind: 'institution', above: 'district' },
      civil: { name: '区民政局', kind: 'department', above: 'district' },
      aid: { name: '社会救助科', kind: 'section', above: 'civil' },
    },
    people: { officer: { name: '陈立明', unit: 'centre', title: '数据专员', account: 'centre.data', password: 'Lake-Silk-33-Moon', second: true, perms } },
  })
})
after(() => server?.stop())

function subsidies() {
  const surnames = '王李张刘陈杨黄赵周吴'
  const lines = ['姓名,公民身份号码,手机号码,住址,补贴金额,发放日期']
  for (let n = 0; n < rows; n++) {
    const phoneNumber = `139${String(10_000_000 + n)}`
    lines.push(`${surnames[n % 10]}某${'一二三四五六七八九'[n % 9]},${fictionalID(n)},${phoneNumber},洪山区书城路${1 + (n % 300)}号,${300 + (n % 7) * 50}.5,2023-${String(1 + (n % 12)).padStart(2, '0')}-15`)
  }
  lines[101] = lines[101].replace(/2023-\d\d-15$/, '待定') // row 102 as Excel counts
  lines[5001] = lines[5001].replace(/,\d{17}.,/, ',420199199001011111,') // a wrong check digit
  lines[9001] = lines[9000] // the same key once more
  return toGBK(lines.join('\r\n') + '\r\n')
}

const column = (page, header) => page.getByRole('row').filter({ has: page.locator('strong', { hasText: new RegExp(`^${header}$`) }) })

let cookies // of the officer's only sign-in: his code works once
async function officerAt(options) {
  const b = await openBrowser(server.url, { expected: cut, ...options })
  await b.context.addCookies(cookies)
  return b
}

it('goes on after the network was cut, and makes a dataset of what is right', async () => {
  const b = await openBrowser(server.url, { expected: cut })
  const { page } = b
  await signIn(page, server.url, office.people.officer)
  cookies = await b.context.cookies()
  await b.go('/library/new')
  await b.gate('library-new')

  let once = true
  await page.route(/\/api\/file\/uploads\/[^/]+\?offset=[1-9]/, async (route) => {
    if (!once) return route.continue()
    once = false
    await b.context.setOffline(true)
    await route.abort('internetdisconnected')
  })
  await page.locator('input[type=file]').setInputFiles({ name: '2023年低保补贴发放.csv', mimeType: 'text/csv', buffer: subsidies() })
  await page.locator('[data-state=waiting]').waitFor()
  await b.gate('library-cut')
  await b.context.setOffline(false)
  await page.waitForURL('**/library/loads/*')

  await page.getByText('GB18030').waitFor()
  await column(page, '公民身份号码').getByLabel(/严格校验/).check()
  const date = column(page, '发放日期').getByLabel(/数据类型/)
  assert.equal(await date.inputValue(), 'text', 'one cell of the column is no date')
  await date.selectOption('date')
  const kept = (header) => column(page, header).getByLabel(/保存方式/)
  assert.equal(await kept('公民身份号码').locator('option:checked').innerText(), '默认加密')
  assert.equal(await kept('住址').locator('option:checked').innerText(), '默认明文')
  await kept('手机号码').selectOption('plain')
  await page.getByLabel('资源名称').fill('低保补贴发放名单')
  await page.getByLabel('资源代码').fill('subsidy')
  await page.getByRole('button', { name: '开始导入' }).click()
  await page.getByText('没有决定明文保存的权限').waitFor()
  await kept('手机号码').selectOption('')
  await whole(b, 'library-inspect')
  await page.getByRole('button', { name: '开始导入' }).click()
  await page.getByText('导入 23,997 行，3 行未导入').waitFor()
  assert.deepEqual(await page.locator('tbody th').allInnerTexts(), ['102', '5002', '9002'])
  await b.gate('library-result')
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: '下载清单' }).click()])
  const list = readFileSync(await download.path(), 'utf8')
  assert.match(list, /待定/)
  assert.equal(list.trim().split('\n').length, 4)

  await page.getByRole('link', { name: '查看数据资源' }).click()
  await page.getByRole('button', { name: /共享授权/ }).click()
  await page.getByRole('button', { name: '新增授权' }).click()
  await page.locator('#field-unit').fill('区民政局')
  await page.getByRole('option', { name: '洪山区/区民政局', exact: true }).click()
  await page.getByLabel('允许单项查看“手机号码”的原文').check()
  await page.getByLabel('用途').fill('核对社会救助申请人的基本信息')
  await page.getByLabel('法律依据').fill('《社会救助暂行办法》第五十八条')
  await whole(b, 'library-grant')
  await page.getByRole('button', { name: '授权', exact: true }).click()
  await page.getByRole('heading', { name: '区民政局' }).waitFor()
  await b.gate('library-grants')
  await page.getByRole('button', { name: /^字段/ }).click()
  await b.gate('library-dataset')
  await b.close()
})

it('shows how the columns of a replacement differ, and asks before it takes them', async () => {
  const b = await officerAt({})
  const { page } = b
  await b.go('/library/datasets')
  await b.gate('library-datasets')
  await page.getByRole('link', { name: '低保补贴发放名单' }).click()
  await page.getByRole('link', { name: '更新数据' }).click()
  const lines = ['姓名,公民身份号码,手机号码,补贴金额,发放日期', `王某一,${fictionalID(7)},13900000007,350.5,2024-01-15`, `李某二,${fictionalID(8)},13900000008,350.5,2024-01-15`]
  await page.locator('input[type=file]').setInputFiles({ name: '2024年1月.csv', mimeType: 'text/csv', buffer: toGBK(lines.join('\r\n')) })
  await page.getByText('缺少字段：住址').waitFor()
  await whole(b, 'library-drift')
  await page.getByRole('button', { name: '开始导入' }).click()
  await page.getByRole('dialog').getByRole('button', { name: '按新字段替换' }).click()
  await page.getByText('2 行全部导入成功').waitFor()
  await page.getByRole('link', { name: '查看数据资源' }).click()
  await page.getByRole('button', { name: /^版本/ }).click()
  await page.getByRole('button', { name: /恢复此版/ }).click()
  await page.getByLabel('恢复原因').fill('新文件缺少住址')
  await page.getByRole('dialog').getByRole('button', { name: '恢复此版' }).click()
  await page.getByText('23,997 条记录', { exact: true }).waitFor()
  await b.gate('library-versions')
  await page.getByRole('button', { name: '删除' }).click()
  const gone = page.getByRole('dialog').getByRole('button', { name: '删除' })
  assert.ok(await gone.isDisabled(), 'the name must be typed first')
  await page.getByRole('dialog').getByRole('button', { name: '取消' }).click()
  await b.close()
})

it('lets the security administrator rotate the key of identifiers and seal anew', async () => {
  const b = await openBrowser(server.url)
  await office.security.lend(b.context)
  const { page } = b
  await b.go('/library/keys')
  await page.getByText('所有版本都按规定存放').waitFor()
  await page.getByRole('button', { name: '更换密钥' }).click()
  await page.getByRole('dialog').getByRole('button', { name: '更换密钥' }).click()
  await page.getByText('仍有数据').waitFor()
  await whole(b, 'library-keys-rotated')
  await page.getByRole('button', { name: '重新加密' }).click()
  await page.getByRole('dialog').getByRole('button', { name: '重新加密' }).click()
  await page.getByText('2 个版本，23,999 行').waitFor()
  await page.getByText('所有版本都按规定存放').waitFor()
  await whole(b, 'library-keys')
  await b.close()
  const small = await openBrowser(server.url, { viewport: phone, theme: 'care' })
  await office.security.lend(small.context)
  await small.go('/library/keys')
  await whole(small, 'library-keys-phone')
  await small.close()
})

for (const theme of ['light', 'care']) {
  it(`fits a phone in the ${theme} theme`, async () => {
    const b = await officerAt({ viewport: phone, theme })
    await b.go('/library')
    await whole(b, `library-phone-${theme}`)
    await b.go('/library/new')
    await b.page.locator('input[type=file]').setInputFiles({ name: '走访登记.csv', mimeType: 'text/csv', buffer: toGBK('户主,联系电话,走访日期\r\n王某一,13900000007,2024-01-15\r\n') })
    await b.page.getByText('GB18030').waitFor()
    await whole(b, `library-inspect-phone-${theme}`)
    await b.go('/library/datasets')
    await whole(b, `library-datasets-phone-${theme}`)
    await b.page.getByRole('link', { name: '低保补贴发放名单' }).click()
    await b.page.locator('main .tabs').first().waitFor()
    await whole(b, `library-dataset-phone-${theme}`)
    await b.close()
  })
}

it('reads well in the care theme and in English', async () => {
  const care = await officerAt({ theme: 'care' })
  for (const path of ['/library', '/library/new', '/library/datasets']) {
    await care.go(path)
    await care.gate(`library-care${path.replaceAll('/', '-')}`)
  }
  await care.close()
  const english = await officerAt({ lang: 'en-GB' })
  await english.go('/library')
  await english.gate('library-en')
  await english.close()
})
