// Units, people and steering groups: the chart and its past, an import with reasons, two people at one form, and a unit's
// administrator who may only touch what is his.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { employ, enter, setUp } from './lib/api.mjs'
import { desk, openBrowser } from './lib/browser.mjs'
import { looks } from './lib/looks.mjs'
import { startServer } from './lib/server.mjs'

const units = `单位名称,上级单位,类型,简称,别名,排序,成立日期
洪山区,,区,,,1,2019-03-01
区水务和湖泊局,洪山区,部门,区水务局,水务局,10,2019-03-01
防汛抗旱科,洪山区/区水务和湖泊局,内设机构,,,1,2019-03-01
河湖管理科,洪山区/区水务和湖泊局,内设机构,,,2,2019-03-01
区行政审批局,洪山区,部门,,,20,2019-03-01
区大数据中心,洪山区,事业单位,大数据中心,,30,2021-06-01
`
const people = `姓名,工号,单位,职务,任职类型,排序,领导,性别,手机号,办公电话,任职日期
陈明远,H001,洪山区,区委书记,主职,1,是,男,13800000001,,2021-01-01
曾春梅,H002,洪山区,区长,主职,2,是,女,13800000002,,2021-01-01
熊海波,H003,洪山区/区水务和湖泊局,局长,主职,1,是,男,13800000003,027-87654321,2020-01-01
罗静,H004,洪山区/区水务和湖泊局,办公室主任,主职,20,否,女,13800000004,027-87654322,2020-01-01
罗静,H004,洪山区/区水务和湖泊局/防汛抗旱科,值班员,兼职,,否,女,13800000004,027-87654322,2022-05-01
李强,H005,洪山区/区水务和湖泊局/防汛抗旱科,科员,主职,,否,男,13800000005,,2020-01-01
周敏,H006,洪山区/区行政审批局,科员,主职,,否,女,13800000006,,2020-01-01
`
const refused = [/the server responded with a status of 4\d\d/] // the browser's own line for what these tests provoke

let server, sys, keeper, id
before(async () => {
  server = await startServer()
  const admins = await setUp(server)
  const [system, security] = await Promise.all([enter(server.url, admins.system), enter(server.url, admins.security)])
  sys = system
  await sys.call('POST', '/api/org/import/units?name=units.csv', units)
  await sys.call('POST', '/api/org/import/people?name=people.csv', people)
  const found = await sys.get(`/api/org/search?q=${encodeURIComponent('水务局')}`)
  const who = async (no) => (await sys.get(`/api/org/people?q=${no}`)).items[0]
  id = { water: found.units[0].id, chen: (await who('H001')).id, zeng: (await who('H002')).id, xiong: (await who('H003')).id, luo: await who('H004'), li: (await who('H005')).id, zhou: (await who('H006')).id }
  const perms = ['org.unit_manage', 'org.export', 'org.phone_full'].map((perm) => ({ perm, scope: 'below' }))
  const role = await security.post('/api/authz/roles', { name: '水务局人事管理员', perms })
  await security.call('PUT', `/api/authz/posts/${id.luo.posts.find((post) => post.main).id}/roles/${role.id}`)
  keeper = await employ(server.url, sys, { account: 'luojing', id: id.luo.id, password: 'Rain-Dyke-58-Pump' })
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

/** Chooses a person or unit in a picker by typing initials or a name. */
async function pick(b, name, typed) {
  await field(b, name).fill(typed)
  await b.page.locator('dialog [role=option]').first().waitFor()
  await field(b, name).press('Enter')
}

it('shows the chart, finds a unit by initials, and knows how it stood last year', async () => {
  await sys.post('/api/org/units', { name: '区数据局', kind: 'department', parent: (await sys.get('/api/org/units')).items[0].id })
  const b = await browse(sys)
  await b.go('/org')
  const line = (name) => b.page.locator('[role=treeitem]', { hasText: name })
  await line('区水务和湖泊局').waitFor()
  await line('洪山区').first().focus() // from here on the keyboard alone
  await b.page.keyboard.press('ArrowDown')
  await b.page.keyboard.press('ArrowRight')
  await line('防汛抗旱科').waitFor()
  await b.page.keyboard.press('Enter')
  await b.page.locator('.panel h2', { hasText: '区水务和湖泊局' }).waitFor()
  await b.page.locator('td', { hasText: '局长' }).first().waitFor()
  await looks(b, 'org-units')

  await b.page.getByRole('searchbox').fill('qdsj')
  await b.page.locator('.found button', { hasText: '区大数据中心' }).click()
  await b.page.locator('.panel h2', { hasText: '区大数据中心' }).waitFor()
  await b.page.getByRole('tab', { name: '沿革' }).click()
  await b.page.getByText('2021-06-01').last().waitFor()

  await button(b, '历史机构').click()
  await button(b, '去年年底').click()
  await b.page.getByText('当天的机构和人员').waitFor()
  await line('区大数据中心').waitFor()
  assert.equal(await line('区数据局').count(), 0, 'last year nobody knew of the new bureau')
  await looks(b, 'org-past', [desk])
})

it('tells the second of two who save the same unit what the first changed', async () => {
  const b = await browse(sys)
  await b.go(`/org/units/${id.water}`)
  await button(b, '编辑').click()
  await field(b, 'short').fill('区水务湖泊局')
  const unit = await sys.get(`/api/org/units/${id.water}`)
  const { name, short, aliases, code, kind, streetOwn, version } = unit
  await sys.call('PUT', `/api/org/units/${id.water}`, { name: '区水务和湖泊管理局', short, aliases, code, kind, rank: unit.rank, street: streetOwn, version })
  await button(b, '保存修改').click()
  await b.page.getByText('由“区水务和湖泊局”改为“区水务和湖泊管理局”').waitFor()
  await b.gate('org-overtaken')
  await button(b, '核对无误，保存').click()
  await b.page.locator('.panel h2', { hasText: '区水务和湖泊管理局' }).waitFor()
  const now = await sys.get(`/api/org/units/${id.water}`)
  assert.deepEqual([now.name, now.short], ['区水务和湖泊管理局', '区水务湖泊局'], 'both changes stand')
})

it('gives reasons row by row for a bad file, writes nothing of it, and takes the mended one', async () => {
  const file = (text) => ({ name: '新进人员.csv', mimeType: 'text/csv', buffer: Buffer.from(`\ufeff姓名,单位,职务,手机号,工号\n${text}`) })
  const b = await browse(sys)
  await b.go('/org/people')
  await button(b, '导入').click()
  await b.page.locator('dialog input[type=file]').setInputFiles(file('王一凡,洪山区/区水利局,科员,1380000,H101\n,区行政审批局,科员,,H102\n赵二,区行政审批局,科员,,H003\n'))
  await b.page.getByText('有 3 行不能导入').waitFor()
  assert.match(await b.page.locator('dialog table').innerText(), /没有找到单位“洪山区\/区水利局”[\s\S]*没有填写姓名[\s\S]*工号 H003 已由“熊海波”使用/)
  await looks(b, 'org-import', [desk])
  assert.equal((await sys.get('/api/org/people?q=H101')).items.length, 0)
  await b.page.locator('dialog input[type=file]').setInputFiles(file('王一凡,区行政审批局,科员,13800000101,H101\n'))
  await button(b, '导入 1 人').click()
  await b.page.getByText('已导入 1 人、1 个任职').waitFor()
  await button(b, '完成').click()
  await b.page.locator('td', { hasText: '王一凡' }).waitFor()
})

it('finds people by pinyin, adds a post, changes the main one and records leaving', async () => {
  const b = await browse(sys)
  await b.go('/org/people')
  await b.page.locator('#field-q').fill('lq')
  await b.page.locator('td', { hasText: '李强' }).first().waitFor()
  await b.page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1)
  await looks(b, 'org-people')
  await b.page.getByRole('link', { name: '李强' }).click()
  await button(b, '增加任职').click()
  await pick(b, 'unit', '行政审批')
  await field(b, 'title').fill('窗口联络员')
  await b.gate('org-post-form')
  await b.page.locator('dialog button[type=submit]').click()
  await b.page.getByRole('button', { name: '把“区行政审批局 窗口联络员”设为主职' }).click()
  await b.page.locator('dialog button[type=submit]').click()
  await b.page.locator('.where', { hasText: '窗口联络员' }).waitFor()
  await looks(b, 'org-person')
  await button(b, '办理离职').click()
  await field(b, 'leave-reason').fill('调往市局')
  await b.page.locator('dialog button[type=submit]').click()
  await button(b, '办理复职').waitFor()
  const left = await sys.get(`/api/org/people/${id.li}`)
  assert.deepEqual([left.posts.length, left.past.length], [0, 2])
})

it('lets a unit’s administrator change his own people and nobody else’s, and records each look at a number', async () => {
  const b = await browse(keeper)
  await b.go(`/org/people/${id.xiong}`)
  await b.page.getByText('领导号码，不公开').waitFor()
  await b.go(`/org/people/${id.luo.id}`)
  await button(b, '编辑').waitFor()
  await b.go(`/org/units/${id.water}`)
  await button(b, '编辑').waitFor()
  await b.go(`/org/people/${id.zhou}`)
  await b.page.locator('h1', { hasText: '周敏' }).waitFor()
  assert.equal(await button(b, '编辑').count() + (await button(b, '办理离职').count()), 0, 'she is of another unit')
  assert.equal(await b.page.getByText('查看', { exact: true }).count(), 0, 'nor may he see her number')
  await assert.rejects(keeper.get(`/api/org/people/${id.zhou}/mobile`), /403/)
})

it('sets up a steering group with two heads and refuses a third', async () => {
  const b = await browse(sys)
  await b.go('/org/groups')
  await button(b, '成立领导小组').click()
  await field(b, 'name').fill('防汛抗旱指挥部')
  await field(b, 'duty').fill('统一指挥全区防汛抗旱工作，部署应急响应。')
  await pick(b, 'office', '水务')
  await b.page.locator('dialog button[type=submit]').click()
  await b.page.locator('h1', { hasText: '防汛抗旱指挥部' }).waitFor()
  for (const [name, role] of [['陈明远', 'head'], ['曾春梅', 'head'], ['熊海波', 'office_head'], ['罗静', 'member']]) {
    await button(b, '添加成员').first().click()
    await pick(b, 'join-person', name)
    await field(b, 'join-role').selectOption(role)
    await b.page.locator('dialog button[type=submit]').click()
    await b.page.locator('dialog').waitFor({ state: 'detached' })
    await b.page.getByRole('link', { name }).first().waitFor()
  }
  await looks(b, 'org-group')
  await button(b, '添加成员').first().click()
  await pick(b, 'join-person', '周敏')
  await field(b, 'join-role').selectOption('head')
  await b.page.locator('dialog button[type=submit]').click()
  await b.page.getByText('组长最多 2 位').waitFor()
  await b.go('/org/groups')
  await b.page.locator('.group').first().waitFor()
  await looks(b, 'org-groups')
})

it('moves a unit, relates two beside the line of command, and closes only what is empty', async () => {
  const b = await browse(sys)
  const more = async (verb) => {
    await b.page.locator('.panel .opener').click()
    await b.page.getByRole('menuitem', { name: verb }).click()
  }
  const named = async (q) => (await sys.get(`/api/org/search?q=${encodeURIComponent(q)}`)).units[0].id
  await b.go(`/org/units/${await named('区大数据中心')}`)
  await more('建立单位关系')
  await pick(b, 'relation-over', '区行政审批局')
  await b.page.getByText('“区行政审批局”对“区大数据中心”：业务指导').waitFor()
  await b.gate('org-relate')
  await b.page.locator('dialog button[type=submit]').click()
  await b.page.locator('.facts', { hasText: '业务指导单位' }).waitFor()

  await b.go(`/org/units/${await named('河湖管理科')}`)
  await more('移到其他上级')
  await pick(b, 'parent', '区行政审批局')
  await b.page.getByRole('button', { name: '移到“区行政审批局”之下' }).click()
  await b.page.locator('.path', { hasText: '区行政审批局' }).waitFor()
  await more('撤销单位')
  await b.page.locator('dialog button[type=submit]').click()
  await button(b, '恢复单位').waitFor()

  await b.go(`/org/units/${id.water}`)
  await more('撤销单位')
  await b.page.locator('dialog button[type=submit]').click()
  await b.page.getByText(/还有 1 个下级单位、\d+ 个在任岗位/).waitFor()
})
