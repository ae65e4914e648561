// Two programs on two data directories: a district and its city. The district's catalogue appears at the city with the city's codes, a
// library of the city comes down, and while one is killed in mid-batch and a byte is flipped in a folder, both say what is true.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { openBrowser } from './lib/browser.mjs'
import { fictionalID, makeDataset } from './lib/data.mjs'
import { looks } from './lib/looks.mjs'
import { openOffice } from './lib/office.mjs'
import { freePort, program } from './lib/server.mjs'
import { whole } from './lib/whole.mjs'

const refused = [/status of 4\d\d/]
const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('QUSHU_')))
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const room = mkdtempSync(join(tmpdir(), 'qushu-cascade-'))
const officer = ['cascade.read', 'cascade.run', 'cascade.offer', 'library.read', 'library.load'].map((perm) => [perm, 'all'])

/** A node that can be killed and started again on the same directory and address. */
async function node(name) {
  const port = await freePort()
  const config = join(room, `${name}.yaml`)
  writeFileSync(config, `data: ${join(room, name)}\nlisten: 127.0.0.1:${port}\nlimits:\n  rate_per_second: 1000\n  burst: 5000\n`)
  const it = { name, url: `http://127.0.0.1:${port}`, printed: '', output: () => it.printed }
  it.start = async () => {
    const child = spawn(program, ['serve', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'], env: own })
    it.child = child
    child.stdout.on('data', (chunk) => (it.printed += chunk))
    child.stderr.on('data', (chunk) => (it.printed += chunk))
    for (let n = 0; n < 1200; n++) {
      if (child.exitCode !== null) throw new Error(`${name} stopped:\n${it.printed}`)
      if ((await fetch(`${it.url}/readyz`).catch(() => null))?.ok) return
      await pause(100)
    }
    throw new Error(`${name} was never ready:\n${it.printed}`)
  }
  it.end = async (signal) => {
    if (it.child.exitCode !== null || it.child.signalCode !== null) return
    const gone = once(it.child, 'exit')
    it.child.kill(signal)
    await gone
  }
  await it.start()
  return it
}

async function until(what, ask) {
  let last
  for (let n = 0; n < 900; n++) {
    last = await ask().catch((error) => String(error))
    if (last?.yes) return last.yes
    await pause(100)
  }
  throw new Error(`never: ${what}: ${JSON.stringify(last)}`)
}

const batch = (side, seq, way) => side.clerk.get(`/api/cascade/batches?way=${way}&limit=200`).then(({ items }) => items.find((one) => one.seq === seq))
const run = (side) => side.clerk.post(`/api/cascade/nodes/${side.peer}/run`).catch(() => null)
const findings = (side) => side.clerk.get(`/api/cascade/nodes/${side.peer}/account`).then(({ findings }) => findings.map((one) => one.words).join('\n'))

let city, district

before(async () => {
  ;[city, district] = await Promise.all([node('city'), node('district')])
  city.office = await openOffice(city, {
    units: { city: { name: '武汉市', kind: 'district' }, bureau: { name: '市政务服务和大数据管理局', kind: 'department', above: 'city' } },
    people: { officer: { name: '周级联', unit: 'bureau', title: '级联专员', account: 'city.officer', password: 'Lake-Silk-33-Moon', perms: officer } },
  })
  district.office = await openOffice(district, {
    units: {
      district: { name: '洪山区', kind: 'district' },
      bureau: { name: '区行政审批局', kind: 'department', above: 'district', code: '11420111MB0000115D' },
      labour: { name: '区人力资源和社会保障局', kind: 'department', above: 'district', code: '11420111MB00001313' },
    },
    people: {
      officer: { name: '陈级联', unit: 'bureau', title: '级联专员', account: 'bureau.cascade', password: 'Lake-Silk-33-Moon', perms: officer },
      editor: { name: '陈编目', unit: 'labour', title: '编目员', account: 'labour.editor', password: 'Lake-Silk-34-Moon', roles: ['catalog_editor'] },
      reviewer: { name: '李审核', unit: 'labour', title: '信息科长', account: 'labour.head', password: 'Lake-Silk-35-Moon', roles: ['catalog_reviewer'] },
      lead: { name: '王主管', unit: 'bureau', title: '目录专员', account: 'bureau.cat', password: 'Lake-Silk-36-Moon', roles: ['catalog_bureau'] },
    },
  })
  for (const side of [city, district]) {
    side.clerk = side.office.people.officer.client
    side.admin = side.office.system
  }
  await city.admin.call('PUT', '/api/cascade/self', { code: '420100', name: '武汉市', version: 0 })
})
after(async () => {
  await Promise.all([city?.end('SIGTERM'), district?.end('SIGTERM')])
  rmSync(room, { recursive: true, force: true })
})

async function at(side, who, options = {}) {
  const b = await openBrowser(side.url, { expected: refused, ...options })
  await (who === 'admin' ? side.admin : side.office.people[who].client).lend(b.context)
  return b
}

it('pairs the two nodes, each with the key of the other', async () => {
  const b = await at(district, 'admin')
  const { page } = b
  await b.go('/cascade/pairing')
  await page.getByText('还没有设置本级节点').waitFor()
  await page.getByRole('button', { name: '设置本级节点' }).click()
  await page.getByLabel('节点名称').fill('洪山区')
  await page.getByLabel('节点代码').fill('420111')
  await page.getByRole('button', { name: '保存' }).click()
  await page.getByText('本级：洪山区（420111）').waitFor()
  await b.gate('cascade-pairing')
  const theirs = (await city.admin.get('/api/cascade/pairing')).self
  await page.getByRole('button', { name: '新增节点' }).click()
  await page.getByLabel('节点名称').fill('武汉市')
  await page.getByLabel('节点代码').fill('420100')
  await page.getByLabel('对方公钥').fill('not a key')
  await page.getByLabel('对方地址').fill(city.url)
  await page.getByLabel('负责单位').fill('行政审批')
  await page.getByRole('option', { name: /区行政审批局/ }).click()
  await page.getByRole('button', { name: '保存' }).click()
  await page.getByRole('dialog').getByRole('alert').waitFor()
  await b.gate('cascade-pairing-refused')
  await page.getByLabel('对方公钥').fill(theirs.publicKey)
  await page.getByRole('button', { name: '保存' }).click()
  const token = await page.getByText(/^node_/).innerText()
  await b.gate('cascade-token')
  await page.getByRole('dialog').getByRole('button', { name: '关闭' }).click()
  await page.getByText('回流数据由区行政审批局负责').waitFor()
  await looks(b, 'cascade-paired')
  await b.close()
  const ours = (await district.admin.get('/api/cascade/pairing')).self
  const print = theirs.fingerprint
  const { id, fingerprint } = await city.admin.post('/api/cascade/nodes', { code: '420111', name: '洪山区', role: 'lower', publicKey: ours.publicKey, transport: 'https', url: district.url, token })
  assert.equal(fingerprint, ours.fingerprint)
  city.peer = id
  const known = (await district.admin.get('/api/cascade/pairing')).nodes[0]
  district.peer = known.id
  assert.equal(known.fingerprint, print)
})

async function publish(name) {
  const { editor } = district.office.people
  const deed = async (who, caseId, outcome) => {
    const { client } = district.office.people[who]
    const found = await client.get(`/api/flow/cases/${caseId}`)
    await client.post(`/api/flow/cases/${caseId}/deeds`, { task: found.mine[0].id, verb: 'submit', outcome })
  }
  let made = await editor.client.post('/api/catalog/entries', {
    class: '3', item: '01', subject: '001', detail: '420111', name, unit: district.office.units.labour, summary: '全区用人单位办理就业登记形成的基本情况。', format: 'database', sub: 'warehouse', share: 'unconditional', mode: 'table', cycle: 'monthly',
    items: [{ name: '登记号', type: 'C', length: 20, key: true, level: 'L1' }, { name: '行业', type: 'C', length: 40, level: 'L1' }],
  })
  made = await editor.client.post(`/api/catalog/entries/${made.id}/submit`, { version: made.version })
  await deed('reviewer', made.case, 'agree')
  await deed('lead', made.case, 'agree')
  await deed('lead', made.case, 'publish')
}

it('shows the district’s catalogue at the city, and the city’s code in the district', async () => {
  await publish('洪山区就业登记信息')
  const link = await until('an accepted entry', async () => ({ yes: (await district.clerk.get('/api/cascade/links')).items.find((one) => one.state === 'accepted') }))
  assert.match(link.upperCode, /420111\/000001$/)
  const b = await at(city, 'officer')
  await b.go('/cascade/entries')
  await b.page.getByText('洪山区就业登记信息').waitFor()
  await b.page.getByText(link.upperCode).first().waitFor()
  await looks(b, 'cascade-received')
  await b.close()
  const d = await at(district, 'officer')
  await d.go('/cascade/entries?tab=reported')
  await d.page.getByText(link.upperCode).first().waitFor()
  await d.gate('cascade-reported')
  await d.close()
})

it('brings a library of the city down, though one side is killed in mid-batch', async () => {
  await city.admin.call('PUT', '/api/settings/cascade.chunk_kb', { value: 4, reason: '分块小一些，便于续传', version: 0 })
  const lines = ['姓名,公民身份号码,街道']
  for (let n = 0; n < 20_000; n++) lines.push(`某${n},${fictionalID(n)},狮子山街道第${n}号`)
  const dataset = await makeDataset(city.clerk, { file: '人口库.csv', bytes: new TextEncoder().encode(lines.join('\r\n')), choice: { name: 'population', title: '人口库', summary: '市级人口基础库' } })
  const { columns, rows } = await city.clerk.get(`/api/library/datasets/${dataset}`)
  await city.clerk.post('/api/cascade/feeds', { node: city.peer, dataset, columns: columns.map((one) => one.name), purpose: '区级履职使用' })
  const part = await until('half a batch', async () => {
    const b = (await district.clerk.get('/api/cascade/batches?way=in&kind=data')).items[0]
    return { yes: b && b.have > 0 && b, b }
  })
  await district.end('SIGKILL')
  const there = part.have
  const told = await until('the city says that it was not delivered', async () => {
    const b = (await city.clerk.get('/api/cascade/batches?way=out&kind=data')).items[0]
    return { yes: b && (b.state === 'made' && b.why ? b : b.state !== 'made' && b), b }
  })
  await district.start()
  if (part.state === 'receiving') {
    assert.match(told.why, /连不上/)
    const after = (await district.clerk.get('/api/cascade/batches?way=in&kind=data')).items[0]
    assert.ok(after.have >= there, 'what was there is still there')
    assert.deepEqual((await district.clerk.get('/api/cascade/sources')).items, [], 'nothing half of it serves')
  }
  await run(city)
  const source = await until('the library', async () => ({ yes: (await district.clerk.get('/api/cascade/sources')).items[0] }))
  assert.equal(source.rows, rows)
  const [out, inn] = await until('both sides', async () => {
    const both = [(await city.clerk.get('/api/cascade/batches?way=out&kind=data')).items[0], (await district.clerk.get('/api/cascade/batches?way=in&kind=data')).items[0]]
    return { yes: both[0].state === 'acknowledged' && both[1].state === 'applied' && both }
  })
  assert.equal(out.root, inn.root)
  assert.equal(out.appliedRoot, inn.root)
  assert.equal(out.applied, rows)
  const b = await at(district, 'officer')
  await b.go('/cascade/feeds')
  await b.page.getByText('人口库').first().waitFor()
  await looks(b, 'cascade-sources')
  await b.go('/cascade/batches')
  await b.page.getByText('数据回流').first().waitFor()
  await looks(b, 'cascade-batches')
  await b.page.getByRole('button', { name: /来自武汉市/ }).first().click()
  await b.gate('cascade-batch')
  await b.close()
  const c = await at(city, 'officer')
  await c.go('/cascade/feeds?tab=given')
  await c.page.getByText('区级履职使用').waitFor()
  await c.gate('cascade-given')
  await c.page.getByRole('button', { name: '设置回流' }).click()
  await c.page.getByLabel('数据资源').selectOption({ label: '人口库' })
  await c.gate('cascade-offer')
  await c.close()
})

/** Changes how a side reaches the other. */
async function change(side, more) {
  const known = (await side.admin.get('/api/cascade/pairing')).nodes[0]
  const shown = ['heardAt', 'triedAt', 'nextAt', 'failures', 'why', 'waiting', 'open', 'incoming', 'unitName', 'state', 'sync', 'fingerprint', 'id']
  await side.admin.call('PUT', `/api/cascade/nodes/${known.id}`, { ...known, ...more, token: '', version: known.version, ...Object.fromEntries(shown.map((key) => [key, undefined])) })
}

it('serves a district that can only go out, though it is killed while it fetches', async () => {
  await change(city, { transport: 'wait', url: '' })
  const b = await at(district, 'admin')
  await b.go('/cascade/pairing')
  await b.page.getByRole('button', { name: '修改节点“武汉市”' }).click()
  await b.page.getByLabel('交换方式').selectOption('pull')
  await b.page.getByLabel('对方证书指纹（SHA-256）').fill('12:34')
  await b.page.getByRole('button', { name: '保存' }).click()
  await b.page.getByText('64 位十六进制').first().waitFor()
  await whole(b, 'cascade-pairing-pull')
  await b.page.getByLabel('对方证书指纹（SHA-256）').fill('')
  await b.page.getByRole('button', { name: '保存' }).click()
  await b.page.getByRole('dialog').waitFor({ state: 'detached' })
  await b.close()

  const lines = ['企业名称,统一社会信用代码,街道']
  for (let n = 0; n < 20_000; n++) lines.push(`企业${n},91420111${String(n).padStart(10, '0')},狮子山街道第${n}号`)
  const dataset = await makeDataset(city.clerk, { file: '企业库.csv', bytes: new TextEncoder().encode(lines.join('\r\n')), choice: { name: 'firms', title: '企业库', summary: '市级法人基础库' } })
  const { columns, rows } = await city.clerk.get(`/api/library/datasets/${dataset}`)
  await city.clerk.post('/api/cascade/feeds', { node: city.peer, dataset, columns: columns.map((one) => one.name), purpose: '区级履职使用' })
  const made = await until('a batch that waits', async () => {
    const one = (await city.clerk.get('/api/cascade/batches?way=out&kind=data')).items.find((x) => x.state === 'made')
    return { yes: one, one }
  })
  await run(district)
  const part = await until('half a batch', async () => {
    const one = (await district.clerk.get('/api/cascade/batches?way=in&kind=data')).items.find((x) => x.seq === made.seq)
    return { yes: one && one.have > 0 && one, one }
  })
  await district.end('SIGKILL')
  const told = (await city.clerk.get('/api/cascade/batches?way=out&kind=data')).items.find((x) => x.seq === made.seq)
  await district.start()
  if (part.state === 'receiving') {
    assert.equal(told.state, 'made', 'the city says that it still waits')
    assert.equal((await district.clerk.get('/api/cascade/sources')).items.length, 1, 'nothing half of it serves')
  }
  await until('the library', async () => {
    await run(district)
    return { yes: (await district.clerk.get('/api/cascade/sources')).items.find((one) => one.rows === rows && one.title === '企业库') }
  })
  await until('the city has it from the district', async () => {
    await run(district)
    const one = (await city.clerk.get('/api/cascade/batches?way=out&kind=data')).items.find((x) => x.seq === made.seq)
    return { yes: one.state === 'acknowledged' && one.applied === rows && one.appliedRoot === one.root, one }
  })
})

it('says who lost what when a byte is flipped between two folders, and mends it', async () => {
  const [up, down] = [join(room, 'up'), join(room, 'down')]
  for (const dir of [up, down]) mkdirSync(dir)
  await change(district, { transport: 'folder', out: up, in: down })
  await change(city, { transport: 'folder', out: down, in: join(room, 'gate') }).catch(() => null)
  mkdirSync(join(room, 'gate'))
  await change(city, { transport: 'folder', out: down, in: join(room, 'gate') })
  await publish('洪山区失业登记信息')
  const name = await until('a batch in the folder', async () => {
    await run(district)
    return { yes: readdirSync(up).find((one) => one.endsWith('.zip')) }
  })
  const bytes = readFileSync(join(up, name))
  bytes[Math.floor(bytes.length / 3)] ^= 1
  writeFileSync(join(room, 'gate', name), bytes) // what the gate carried is not what was sent
  renameSync(join(up, name), join(room, 'kept.zip'))
  const words = await until('the city says it is damaged', async () => {
    await run(city)
    const words = await findings(city)
    return { yes: /没有采用|没有收完/.test(words) && words, words }
  })
  assert.match(words, /洪山区/)
  const { items } = await city.clerk.get('/api/cascade/entries')
  assert.equal(items.length, 1, 'nothing of the damaged batch was taken')
  const c = await at(city, 'officer')
  await c.go(`/cascade/nodes/${city.peer}`)
  await c.page.getByText(/没有采用|没有收完/).first().waitFor()
  await looks(c, 'cascade-damaged')
  await c.close()
  await until('the district sends it again', async () => {
    await run(district)
    const again = readdirSync(up).find((one) => one.endsWith('.zip'))
    return { yes: again && (renameSync(join(up, again), join(room, 'gate', again)), true) }
  })
  await until('both entries', async () => {
    await run(city)
    return { yes: (await city.clerk.get('/api/cascade/entries')).items.length === 2 }
  })
  const agreed = await until('the district knows', async () => {
    await run(district)
    for (const one of readdirSync(up)) if (/\.(zip|json)$/.test(one)) renameSync(join(up, one), join(room, 'gate', one))
    await run(city)
    const words = await findings(district)
    return { yes: /两边一致/.test(words) && words, words }
  })
  assert.ok(agreed)
  const d = await at(district, 'officer')
  await d.go('/cascade')
  await d.page.getByText('武汉市').first().waitFor()
  await looks(d, 'cascade-nodes')
  await d.go(`/cascade/nodes/${district.peer}`)
  await d.page.getByText('两边一致').waitFor()
  await looks(d, 'cascade-account')
  await d.close()
  const e = await at(district, 'officer', { lang: 'en-US' })
  await e.go(`/cascade/nodes/${district.peer}`)
  await e.page.getByText('Both sides agree').waitFor()
  await whole(e, 'cascade-account-en')
  await e.close()
  assert.equal(await batch(city, 1, 'in').then((one) => one.state), 'applied')
})
