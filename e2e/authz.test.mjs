// Roles and rights: a role made and given, two people at one role, who has what, a unit's administrator and his bounds,
// and permissions lent for a time.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { employ, enter, setUp } from './lib/api.mjs'
import { desk, openBrowser } from './lib/browser.mjs'
import { looks } from './lib/looks.mjs'
import { startServer } from './lib/server.mjs'

const units = '单位名称,上级单位,类型\n洪山区,,区\n区水务和湖泊局,洪山区,部门\n防汛抗旱科,洪山区/区水务和湖泊局,内设机构\n区行政审批局,洪山区,部门\n'
const people = `姓名,工号,单位,职务,任职类型
罗静,H1,区水务和湖泊局,办公室主任,主职
罗静,H1,防汛抗旱科,值班长,兼职
李强,H2,防汛抗旱科,科员,主职
周敏,H3,区行政审批局,科员,主职
`
const refused = [/the server responded with a status of 4\d\d/]

let server, sec, keeper, li, id
before(async () => {
  server = await startServer()
  const admins = await setUp(server)
  const [sys, security] = await Promise.all([enter(server.url, admins.system), enter(server.url, admins.security)])
  sec = security
  await sys.call('POST', '/api/org/import/units?name=units.csv', units)
  await sys.call('POST', '/api/org/import/people?name=people.csv', people)
  const who = async (no) => (await sys.get(`/api/org/people?q=${no}`)).items[0]
  const luo = await who('H1')
  id = { luo: luo.id, main: luo.posts.find((post) => post.main).id, li: (await who('H2')).id, zhou: (await who('H3')).id }
  const perms = ['org.unit_manage', 'org.export', 'authz.unit_manage'].map((perm) => ({ perm, scope: 'below' }))
  const role = await sec.post('/api/authz/roles', { name: '水务局管理员', nameEn: 'Water keeper', note: '维护水务局的人员和角色', perms })
  id.keeper = role.id
  id.lead = (await sec.post('/api/authz/roles', { name: '全区导出员', perms: [{ perm: 'org.export', scope: 'all' }] })).id
  await sec.call('PUT', `/api/authz/posts/${id.main}/roles/${role.id}`)
  ;[keeper, li] = await Promise.all([
    employ(server.url, sys, { account: 'luojing', id: id.luo, password: 'Rain-Dyke-58-Pump' }),
    employ(server.url, sys, { account: 'liqiang', id: id.li, password: 'River-Gauge-35-Reed' }),
  ])
})
after(() => server?.stop())

const open = new Map() // a person works in one browser through all tests, with its cache
async function browse(who) {
  if (!open.has(who)) open.set(who, await openBrowser(server.url, { expected: refused }))
  await who.lend(open.get(who).context)
  return open.get(who)
}
const field = (b, name) => b.page.locator(`[id="field-${name}"]`)
const button = (b, name) => b.page.getByRole('button', { name, exact: true })
const agree = (b) => b.page.locator('dialog button[type=submit]').last().click()

it('makes a role permission by permission and gives it to a post', async () => {
  const b = await browse(sec)
  await b.go('/authz')
  await b.page.locator('.role', { hasText: '水务局管理员' }).waitFor()
  await looks(b, 'authz-roles')
  await b.page.getByRole('link', { name: '新建角色' }).click()
  await field(b, 'name').fill('防汛值班员')
  await field(b, 'note').fill('汛期值班，查通讯录、导出名单')
  await b.page.getByLabel('导出组织机构和人员').check()
  await b.page.getByLabel('“导出组织机构和人员”的数据范围').selectOption('unit')
  await b.page.getByLabel('查看领导手机号').check()
  await b.page.getByText('只属于审计管理员，不能放进角色').first().waitFor()
  assert.equal(await b.page.getByLabel('查看审计日志').count(), 0, 'an administrator’s permission has no box to tick')
  await looks(b, 'authz-editor', [desk])
  await button(b, '建立角色').click()
  await b.page.locator('h1', { hasText: '防汛值班员' }).waitFor()
  await button(b, '授予').click()
  await field(b, 'assign-person').fill('luojing')
  await b.page.locator('dialog [role=option]', { hasText: '罗静' }).click()
  await b.page.locator('dialog .choice', { hasText: '值班长' }).click() // she has two posts; the role is for one
  await agree(b)
  await b.page.locator('td', { hasText: '值班长' }).waitFor()
  await looks(b, 'authz-role')
})

it('tells the second of two who change the same role what the first changed', async () => {
  const b = await browse(sec)
  await b.go(`/authz/roles/${id.lead}`)
  await button(b, '编辑').click()
  await field(b, 'note').fill('年终汇总名单')
  const role = await sec.get(`/api/authz/roles/${id.lead}`)
  await sec.call('PUT', `/api/authz/roles/${id.lead}`, { name: role.name, perms: [{ perm: 'org.export', scope: 'below' }, { perm: 'org.phone_leader', scope: 'unit' }], version: role.version })
  await button(b, '保存修改').click()
  await b.page.getByText('由“全区”改为“本单位及下级”').waitFor()
  await b.page.getByText('由“没有这项权限”改为“本单位”').waitFor()
  await looks(b, 'authz-overtaken', [desk])
  await button(b, '核对无误，保存').click()
  await b.page.getByText('年终汇总名单').waitFor()
  const now = await sec.get(`/api/authz/roles/${id.lead}`)
  assert.deepEqual([now.note, now.perms.length, now.perms.find((perm) => perm.perm === 'org.export').scope], ['年终汇总名单', 2, 'below'])
})

it('says who has what, and takes a role away', async () => {
  const b = await browse(sec)
  await b.go('/authz?tab=holders&perm=org.unit_manage')
  await b.page.locator('td', { hasText: '水务局管理员' }).waitFor()
  assert.equal(await b.page.locator('tbody tr').count(), 1)
  await looks(b, 'authz-holders')
  await b.page.getByRole('link', { name: '罗静' }).click()
  await b.page.locator('h2', { hasText: '防汛抗旱科' }).waitFor()
  await b.page.locator('summary').first().click()
  await b.page.locator('.roles').nth(1).waitFor()
  await looks(b, 'authz-person')
  await b.page.getByRole('button', { name: '取消授予：罗静，防汛值班员' }).click()
  await agree(b)
  await b.page.getByText('已取消“罗静”的“防汛值班员”').waitFor()
})

it('lets a unit’s administrator give only what he holds, and only in his unit', async () => {
  const b = await browse(keeper)
  await b.go(`/authz/people/${id.zhou}`)
  await b.page.getByText('这个岗位不在你的授权范围内').waitFor()
  await b.go(`/authz/people/${id.li}`)
  const choices = b.page.locator('.give option')
  await choices.nth(1).waitFor({ state: 'attached' })
  const offered = await choices.allInnerTexts()
  assert.ok(offered.includes('水务局管理员'), 'what he holds')
  assert.ok(!offered.includes('防汛值班员'), 'not what he does not')
  await b.page.locator('.give select').selectOption({ label: '水务局管理员' })
  await button(b, '授予').click()
  await b.page.locator('.roles', { hasText: '水务局管理员' }).waitFor()
  await b.go('/authz')
  await b.page.locator('.role').first().waitFor()
  assert.equal(await b.page.getByRole('link', { name: '新建角色' }).count(), 0)
  await assert.rejects(keeper.call('PUT', `/api/authz/posts/${id.main}/roles/${id.lead}`), /403/)
})

it('lends permissions for a dated time and takes them back', async () => {
  const b = await browse(keeper)
  await b.go('/authz/delegations')
  await button(b, '委托权限').click()
  await field(b, 'delegate-to').fill('周敏')
  await b.page.locator('dialog [role=option]', { hasText: '周敏' }).click()
  await b.page.getByLabel('导出组织机构和人员').check()
  await field(b, 'delegate-until').fill('2099-12-31')
  await b.page.getByText('最长 90 天').waitFor()
  assert.ok(await button(b, '委托给周敏').isDisabled(), 'not longer than the limit')
  await looks(b, 'authz-delegate', [desk])
  await field(b, 'delegate-until').fill(await field(b, 'delegate-from').inputValue())
  await field(b, 'delegate-reason').fill('外出培训一天')
  await button(b, '委托给周敏').click()
  await b.page.getByText('生效中').waitFor()
  await looks(b, 'authz-delegations')
  await b.page.getByRole('button', { name: '撤销给“周敏”的委托' }).click()
  await agree(b)
  await b.page.getByText('已撤销', { exact: true }).waitFor()
})

it('has nothing to lend for who holds nothing', async () => {
  await sec.call('DELETE', `/api/authz/posts/${(await li.get('/api/identity/me')).post.id}/roles/${id.keeper}`)
  const b = await browse(li)
  await b.go('/authz/delegations')
  await button(b, '委托权限').click()
  await b.page.locator('dialog .query').waitFor()
  await b.gate('authz-delegate-little')
})
