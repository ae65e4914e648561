// Accounts from the first day to the last: made, activated, locked, unlocked, disabled; a second factor lost; a new
// administrator approved; sessions ended; the self-check.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { client, employ, enter, setUp } from './lib/api.mjs'
import { desk, openBrowser } from './lib/browser.mjs'
import { looks } from './lib/looks.mjs'
import { startServer } from './lib/server.mjs'
import { totp } from './lib/totp.mjs'

const units = '单位名称,上级单位,类型\n洪山区,,区\n区水务和湖泊局,洪山区,部门\n区行政审批局,洪山区,部门\n'
const people = '姓名,工号,单位,职务\n罗静,H1,区水务和湖泊局,办公室主任\n李强,H2,区水务和湖泊局,科员\n周敏,H3,区行政审批局,科员\n郑宁,H4,区行政审批局,科员\n'
const refused = [/the server responded with a status of 4\d\d/]

let server, sys, sec, keeper, zhou, id
before(async () => {
  server = await startServer()
  const admins = await setUp(server)
  ;[sys, sec] = await Promise.all([enter(server.url, admins.system), enter(server.url, admins.security)])
  await sys.call('POST', '/api/org/import/units?name=units.csv', units)
  await sys.call('POST', '/api/org/import/people?name=people.csv', people)
  const who = async (no) => (await sys.get(`/api/org/people?q=${no}`)).items[0]
  id = { luo: await who('H1'), li: (await who('H2')).id, zhou: (await who('H3')).id }
  const role = await sec.post('/api/authz/roles', { name: '本单位账号管理员', perms: [{ perm: 'identity.unit_manage', scope: 'unit' }] })
  await sec.call('PUT', `/api/authz/posts/${id.luo.posts[0].id}/roles/${role.id}`)
  ;[keeper, zhou] = await Promise.all([
    employ(server.url, sys, { account: 'luojing', id: id.luo.id, password: 'Rain-Dyke-58-Pump' }),
    employ(server.url, sys, { account: 'zhoumin', id: id.zhou, password: 'Window-Stamp-26-Ink' }),
  ])
})
after(() => server?.stop())

const open = new Map() // a person works in one browser through all tests, with its cache
async function browse(who) {
  if (!open.has(who)) open.set(who, await openBrowser(server.url, { expected: refused }))
  await who.lend(open.get(who).context)
  return open.get(who)
}
const field = (b, name) => b.page.locator(`dialog [id="field-${name}"]`)
const button = (b, name) => b.page.getByRole('button', { name, exact: true })
const agree = (b) => b.page.locator('dialog button[type=submit]').last().click()
const account = (b, login) => b.page.getByRole('button', { name: new RegExp(`^${login}，`) })
const drawer = (b, words) => b.page.locator('dialog .account', { hasText: words })

it('makes an account with a proposed login and shows its code once', async () => {
  const b = await browse(sys)
  await b.go('/identity')
  await account(b, 'luojing').waitFor()
  await looks(b, 'identity-accounts')
  await button(b, '新建账号').click()
  await field(b, 'person').fill('lq')
  await b.page.locator('dialog [role=option]', { hasText: '李强' }).click()
  await b.page.waitForFunction(() => document.querySelector('#field-login').value === 'liqiang')
  await b.gate('identity-new')
  await agree(b)
  await button(b, '发放激活码').click()
  await agree(b)
  const code = (await b.page.locator('.code .value').innerText()).trim()
  await looks(b, 'identity-code', [desk])
  await button(b, '已交给本人').click()
  await drawer(b, '激活码已发放，有效至').waitFor()
  assert.ok(!(await b.page.content()).includes(code), 'the code is shown once')
  const c = client(server.url)
  assert.equal((await c.post('/api/identity/activate', { account: 'liqiang', code, password: 'River-Gauge-35-Reed' })).next, 'done')
})

it('lets the security administrator unlock an account and approve a new administrator', async () => {
  for (let n = 0; n < 5; n++) await assert.rejects(client(server.url).post('/api/identity/signin', { account: 'zhoumin', password: `wrong-${n}` }))
  await sys.post('/api/identity/accounts', { login: 'sysadmin2', admin: 'system', name: '王备岗' })
  const b = await browse(sec)
  await b.go('/identity?state=locked')
  await account(b, 'zhoumin').click()
  await drawer(b, '自动解锁').waitFor()
  await looks(b, 'identity-locked', [desk])
  await button(b, '解锁').click()
  await agree(b)
  await drawer(b, '可以正常登录').waitFor()
  await b.go('/identity?state=waiting')
  await account(b, 'sysadmin2').click()
  await button(b, '批准').click()
  await agree(b)
  await b.page.locator('.code .value').waitFor()
  await button(b, '已交给本人').click()
  await drawer(b, '激活码已发放').waitFor()
})

it('disables an account with a reason, which ends its sessions, and enables it again', async () => {
  const b = await browse(sys)
  await b.go('/identity?q=zhoumin')
  await account(b, 'zhoumin').click()
  await button(b, '停用').click()
  await field(b, 'reason').fill('借调市局一年')
  await agree(b)
  await drawer(b, '停用原因：借调市局一年').waitFor()
  await assert.rejects(zhou.get('/api/desk'), /401/)
  await looks(b, 'identity-disabled')
  await button(b, '启用').click()
  await agree(b)
  await drawer(b, '可以正常登录').waitFor()
})

it('resets a lost second factor and ends a session', async () => {
  const li = client(server.url)
  await li.post('/api/identity/signin', { account: 'liqiang', password: 'River-Gauge-35-Reed' })
  const { secret } = await li.post('/api/identity/enroll')
  await li.post('/api/identity/enroll/confirm', { code: totp(secret) })
  const b = await browse(sec)
  await b.go('/identity/sessions')
  await b.page.getByRole('row', { name: /liqiang/ }).first().waitFor()
  await looks(b, 'identity-sessions')
  await b.page.getByRole('row', { name: /luojing/ }).getByRole('button').click()
  await agree(b)
  await b.page.getByText('“罗静”的会话已结束').waitFor()
  await assert.rejects(keeper.get('/api/desk'), /401/)
  await b.go('/identity?q=liqiang')
  await account(b, 'liqiang').click()
  await button(b, '重置动态口令').click()
  await field(b, 'reason').fill('手机丢失，已当面核实')
  await agree(b)
  await drawer(b, '未绑定').waitFor()
  await assert.rejects(li.get('/api/desk'), /401/)
})

it('shows a unit’s administrator only the accounts of his unit', async () => {
  const luo = client(server.url)
  await luo.post('/api/identity/signin', { account: 'luojing', password: 'Rain-Dyke-58-Pump' })
  const b = await browse(luo)
  await b.go('/identity')
  await account(b, 'liqiang').waitFor()
  assert.deepEqual(await b.page.locator('tbody .link').allInnerTexts(), ['liqiang', 'luojing'])
  await account(b, 'liqiang').click()
  await button(b, '重置密码').waitFor()
  assert.equal(await button(b, '停用').count(), 0, 'that is the system administrator’s')
  await b.gate('identity-unit')
})

it('hands out a new code without a second factor only by two: one asks, the security administrator confirms', async () => {
  const luo = client(server.url)
  await luo.post('/api/identity/signin', { account: 'luojing', password: 'Rain-Dyke-58-Pump' })
  const asks = await browse(luo)
  await asks.go('/identity?q=liqiang')
  await account(asks, 'liqiang').click()
  await button(asks, '重置密码').click()
  await field(asks, 'reason').fill('忘记密码，已当面核实')
  await looks(asks, 'identity-ask', [desk])
  await agree(asks)
  await drawer(asks, '须由安全管理员复核').waitFor()
  assert.equal(await button(asks, '复核并发放激活码').count(), 0, 'who asks does not confirm')
  const b = await browse(sec)
  await b.go('/identity?state=asked')
  await account(b, 'liqiang').click()
  await drawer(b, '已当面核实').waitFor()
  await looks(b, 'identity-asked')
  await button(b, '复核并发放激活码').click()
  await agree(b)
  const code = (await b.page.locator('.code .value').innerText()).trim()
  await button(b, '已交给本人').click()
  const c = client(server.url)
  assert.equal((await c.post('/api/identity/activate', { account: 'liqiang', code, password: 'Lotus-Sluice-71-Dam' })).next, 'enroll')
})

it('checks itself against the clauses, the worst first', async () => {
  const b = await browse(sec)
  await b.go('/identity/selfcheck')
  const first = b.page.locator('.rows li').first()
  await first.waitFor()
  assert.match(await first.innerText(), /不符合[\s\S]*8\.1\.4\.1/)
  await looks(b, 'identity-selfcheck')
})
