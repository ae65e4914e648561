// The audit log: read, narrowed, opened, exported and verified by the auditor, who is watched by the security administrator.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { promisify } from 'node:util'
import { enter, setUp } from './lib/api.mjs'
import { desk, openBrowser, phone } from './lib/browser.mjs'
import { program, startServer } from './lib/server.mjs'

let server
const sessions = {}
before(async () => {
  server = await startServer()
  const admins = await setUp(server)
  for (const kind of ['system', 'security', 'audit']) sessions[kind] = await enter(server.url, admins[kind])
  await sessions.security.call('PUT', '/api/settings/identity.idle_minutes', { value: 20, reason: '值班室要求', version: 0 })
  await sessions.system.call('PUT', '/api/settings/system.help_phone', { value: '027-87750000', reason: '填写值班电话', version: 0 })
  await sessions.system.get('/api/audit').catch(() => null) // refused, which is recorded
  await sessions.audit.post('/api/audit/verify')
})
after(() => server?.stop())

async function as(kind, options, run) {
  const b = await openBrowser(server.url, options)
  try {
    await sessions[kind].lend(b.context)
    await run(b)
  } finally {
    await b.close()
  }
}
const query = (b) => Object.fromEntries(new URL(b.page.url()).searchParams)

for (const [width, viewport] of Object.entries({ 1440: desk, 390: phone })) {
  for (const theme of ['light', 'care']) {
    it(`shows the log, a record and the verification at ${width}, ${theme}`, () =>
      as('audit', { viewport, theme }, async (b) => {
        await b.go('/audit?action=settings.')
        await b.page.getByText('帮助电话').first().waitFor()
        await b.gate(`audit-${width}-${theme}`)
        await b.page.locator('.link, .record').first().click()
        await b.page.getByText('027-87750000').waitFor()
        await b.gate(`audit-record-${width}-${theme}`)
        await b.go('/audit/verify')
        await b.page.getByRole('heading', { name: '正常' }).waitFor()
        await b.gate(`audit-verify-${width}-${theme}`)
      }))
  }
}

it('narrows by result, action and account, and keeps it in the address', () =>
  as('audit', {}, async (b) => {
    await b.go('/audit')
    await b.page.getByLabel('结果', { exact: true }).selectOption('denied')
    await b.page.getByRole('button', { name: /被拒绝的操作/ }).waitFor()
    assert.equal(await b.page.locator('.link').count(), 1)
    assert.deepEqual(query(b), { result: 'denied' })
    await b.gate('audit-denied')
    await b.page.getByRole('button', { name: '清除筛选' }).click()
    await b.page.getByLabel('模块', { exact: true }).selectOption('系统设置')
    await b.page.getByLabel('操作', { exact: true }).selectOption('修改设置')
    await b.page.getByLabel('账号', { exact: true }).fill('secadmin')
    await b.page.keyboard.press('Enter')
    await b.page.getByText('无操作多少分钟后退出').waitFor()
    assert.deepEqual(query(b), { action: 'settings.change', account: 'secadmin' })
    await b.page.reload()
    await b.page.getByText('无操作多少分钟后退出').waitFor()
    assert.equal(await b.page.locator('.link').count(), 1)
    await b.page.getByLabel('时间', { exact: true }).selectOption('own')
    await b.page.getByLabel('结束时间').fill('2023-01-01T00:00')
    await b.page.getByText('没有符合筛选条件的记录').waitFor()
    await b.gate('audit-nothing')
  }))

it('opens a record by its link, walks to the next and narrows by its person', () =>
  as('audit', {}, async (b) => {
    await b.go('/audit?action=settings.')
    await b.page.getByRole('button', { name: /修改设置/ }).first().click()
    const record = b.page.getByRole('dialog')
    await record.getByText('与写入时一致').waitFor()
    await record.getByText(/^第 \d+ 条$/).waitFor()
    const { record: id } = query(b)
    await record.getByRole('button', { name: '较早一条' }).click()
    await record.getByText('值班室要求').waitFor()
    assert.notEqual(query(b).record, id)
    await record.getByRole('button', { name: '只看此人' }).click()
    await b.page.getByRole('button', { name: '人员：吴安全' }).waitFor()
    assert.equal(await b.page.locator('.link').count(), 1)
    await b.go(`/audit?record=${id}`)
    await b.page.getByRole('dialog').getByText('027-87750000').waitFor()
    await b.page.keyboard.press('Escape')
    await b.page.getByRole('dialog').waitFor({ state: 'detached' })
    assert.deepEqual(query(b), {})
  }))

it('exports a pack, and says when there is nothing', () =>
  as('audit', {}, async (b) => {
    await b.go('/audit')
    await b.page.getByRole('button', { name: '导出', exact: true }).click()
    const dialog = b.page.getByRole('dialog')
    await dialog.getByLabel('导出哪段时间').selectOption('own')
    await dialog.getByLabel('结束时间').fill('2023-01-01T00:00')
    await dialog.getByText('离线校验').click()
    await dialog.getByRole('button', { name: '下载导出包' }).click()
    await dialog.getByText('这段时间内没有审计记录').waitFor()
    await b.gate('audit-export')
    await dialog.getByLabel('导出哪段时间').selectOption('')
    const [file] = await Promise.all([b.page.waitForEvent('download'), dialog.getByRole('button', { name: '下载导出包' }).click()])
    assert.match(file.suggestedFilename(), /^audit-1-\d+\.jsonl$/)
    copyFileSync(await file.path(), join(server.data, 'pack.jsonl'))
  }))

it('verifies, gives the public keys, and with both the pack proves itself elsewhere', async () => {
  const [pack, keys, changed] = ['pack.jsonl', 'keys.pem', 'changed.jsonl'].map((name) => join(server.data, name))
  await as('audit', {}, async (b) => {
    await b.go('/audit/verify')
    const [answer] = await Promise.all([b.page.waitForResponse((r) => r.url().endsWith('/api/audit/verify') && r.request().method() === 'POST'), b.page.getByRole('button', { name: '开始校验' }).click()])
    assert.equal((await answer.json()).check.state, 'whole')
    await b.page.getByText(/逐条校验通过/).waitFor()
    const [file] = await Promise.all([b.page.waitForEvent('download'), b.page.getByRole('button', { name: '下载全部公钥' }).click()])
    copyFileSync(await file.path(), keys)
  })
  const verify = (file) => promisify(execFile)(program, ['audit', 'verify', '--pack', file, '--key', keys], { env: { PATH: process.env.PATH, LANG: 'zh_CN.UTF-8' } })
  assert.match((await verify(pack)).stdout, /完整/)
  writeFileSync(changed, readFileSync(pack, 'utf8').replace('填写值班电话', '填写其他电话'))
  await assert.rejects(verify(changed), (error) => /第 \d+ 条/.test(error.stdout + error.stderr))
})

// Damage is made in the answer: the pages are what is tried here, the verification itself has its own tests.
const report = {
  ok: false, at: '2023-11-23T08:00:05Z', from: 1, to: 48210, rows: 48208, head: 'c3'.repeat(32), archived: 0, roots: 96, files: true, marks: true, trusted: true, firstBroken: 1207, broken: 3,
  places: [{ fault: 'altered', seq: 1207, row: '0197a2' }, { fault: 'missing', seq: 3310, to: 3311, count: 2 }, { fault: 'root_untrue', seq: 4000, root: 12 }],
}
const words = ['不完整：共发现 3 处问题，最早一处在第 1207 条记录（共检查 48208 条）。请保护现场，对照备份与归档查明原因。', '第 1207 条记录（编号 0197a2）被改动过：内容与写入时的校验码不符。', '第 3310 至 3311 条记录不见了，共缺 2 条。', '第 12 号签名根与第 4000 条记录的链值不符：签名之后链被改写过。']
const broken = { id: 'c', person: '', at: '2023-11-23T08:00:00Z', endedAt: '2023-11-23T08:00:05Z', state: 'broken', done: 48208, total: 48208, report, words }

for (const [width, viewport] of Object.entries({ 1440: desk, 390: phone })) {
  it(`follows a running verification and tells of damage at ${width}`, () =>
    as('audit', { viewport }, async (b) => {
      const answers = [{ ...broken, state: 'running', done: 0, report: undefined, words: [], endedAt: null }, { ...broken, state: 'running', done: 31400, report: undefined, words: [], endedAt: null }]
      await b.page.route('**/api/audit/verify', (route) => route.fulfill({ json: { check: answers.length > 1 ? answers.shift() : answers[0] } }))
      await b.go('/audit/verify')
      await b.page.getByText('65%').waitFor()
      assert.equal(await b.page.getByRole('button', { name: '正在校验…' }).isDisabled(), true)
      await b.gate(`audit-running-${width}`)
      answers.push(broken)
      await b.page.getByRole('heading', { name: '发现 3 处异常' }).waitFor()
      await b.page.getByText('第 3310 至 3311 条记录不见了，共缺 2 条。').waitFor()
      await b.gate(`audit-broken-${width}`)
    }))
}

it('shows the security administrator what the auditors did, and nothing else', () =>
  as('security', {}, async (b) => {
    await b.go('/audit/auditors')
    await b.page.getByRole('button', { name: /发起审计日志校验/ }).first().click()
    await b.page.getByRole('dialog').getByText('郑审计').waitFor()
    await b.gate('audit-auditors')
    await b.page.keyboard.press('Escape')
    assert.equal(await b.page.locator('.link', { hasText: '修改设置' }).count(), 0)
    assert.equal(await b.page.getByRole('button', { name: '导出', exact: true }).count(), 0)
  }))

it('says in words that the log could not be loaded', () =>
  as('audit', { expected: [/status of 503/] }, async (b) => {
    await b.page.route('**/api/audit?*', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', json: { status: 503, detail: '数据库正在维护，请稍后再试。', trace: '4bf92f3577b34da6' } }))
    await b.go('/audit')
    await b.page.getByText('数据库正在维护').waitFor()
    await b.gate('audit-failed')
    await b.page.unroute('**/api/audit?*')
    await b.page.getByRole('button', { name: '重试' }).click()
    await b.page.locator('.link').first().waitFor()
  }))
