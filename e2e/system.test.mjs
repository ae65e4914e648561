// The system administrator's pages: whether the machine is in order, and the jobs that wait for a hand.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { enter, setUp } from './lib/api.mjs'
import { desk, openBrowser, phone } from './lib/browser.mjs'
import { startServer } from './lib/server.mjs'

let server
let admin
before(async () => {
  server = await startServer()
  admin = await enter(server.url, (await setUp(server)).system)
})
after(() => server?.stop())

async function open(options, run) {
  const b = await openBrowser(server.url, options)
  try {
    await admin.lend(b.context)
    await run(b)
  } finally {
    await b.close()
  }
}

// Nothing fails in a fresh program: what does is made in the answer.
const jobs = () => [
  { id: 412, name: 'library.ingest', title: '归集数据文件', state: 'discarded', attempt: 8, attempts: 8, created: '2023-11-22T02:12:00Z', next: '2023-11-22T03:12:00Z', error: '文件“低保人员.xlsx”第 3 行：证件号码的校验位不符，整批没有入库' },
  { id: 407, name: 'notify.send', title: '发送短信提醒', state: 'discarded', attempt: 8, attempts: 8, created: '2023-11-21T23:40:00Z', next: '2023-11-22T00:40:00Z', error: 'dial tcp 10.20.0.9:8443: connect: connection refused\ngoroutine 91 [running]:\nqushu/internal/kernel/notify.(*Notes).send(0xc0004)\n\t/src/internal/kernel/notify/send.go:88 +0x1f' },
  { id: 398, name: 'mirror.copy', title: 'mirror.copy', state: 'cancelled', attempt: 1, attempts: 8, created: '2023-11-20T01:00:00Z', next: '2023-11-20T01:00:00Z', error: '' },
]
async function park(b) {
  let parked = jobs()
  const deeds = []
  await b.page.route('**/api/system/jobs?**', (route) => {
    const isParked = new URL(route.request().url()).searchParams.get('parked') === 'true'
    const waiting = [{ ...jobs()[0], id: 500, state: 'retryable', attempt: 3 }, { ...jobs()[1], id: 501, state: 'running', attempt: 1, error: '' }]
    return route.fulfill({ json: { items: isParked ? parked : waiting, waiting: waiting.length, parked: parked.length } })
  })
  await b.page.route(/\/api\/system\/jobs\/\d+/, (route) => {
    deeds.push(`${route.request().method()} ${new URL(route.request().url()).pathname}`)
    parked = parked.filter((job) => !route.request().url().includes(`/${job.id}`))
    return route.fulfill({ status: 204 })
  })
  return deeds
}

for (const [width, viewport] of Object.entries({ 1440: desk, 390: phone })) {
  for (const theme of ['light', 'care']) {
    it(`shows the health and the jobs at ${width}, ${theme}`, () =>
      open({ viewport, theme }, async (b) => {
        await b.go('/system')
        await b.page.getByText('数据库', { exact: true }).waitFor()
        await b.gate(`system-${width}-${theme}`)
        await park(b)
        await b.go('/system/jobs')
        await b.page.getByText('归集数据文件').waitFor()
        await b.gate(`jobs-${width}-${theme}`)
      }))
  }
}

it('is asked of the server that is there: every check says a state in words, no job is parked', () =>
  open({}, async (b) => {
    await b.go('/system')
    const checks = b.page.locator('.checks li')
    assert.ok((await checks.count()) >= 5)
    for (const text of await checks.allInnerTexts()) assert.match(text, /正常|需关注|异常/)
    await b.go('/system/jobs')
    await b.page.getByText('没有任务').waitFor()
    await b.gate('jobs-none')
    await b.page.getByRole('button', { name: /^等待与执行中/ }).click()
    await b.page.waitForURL('**/system/jobs?tab=waiting')
  }))

it('puts what is out of order first, and says when what it shows is old', () =>
  open({ expected: [/status of 503/] }, async (b) => {
    await b.page.clock.install({ time: new Date('2023-11-23T08:00:00Z') })
    const answer = await admin.get('/api/system/health')
    const bad = { disk: ['bad', '剩余 0 GB，共 400 GB'], jobs: ['warn', '有 3 个任务多次失败后停下，请到“后台任务”查看原因并重新执行或删除'] }
    answer.checks = answer.checks.map((check) => (bad[check.name] ? { ...check, state: bad[check.name][0], text: bad[check.name][1] } : check))
    answer.started = '2023-11-20T01:30:00Z'
    let asked = 0
    await b.page.route('**/api/system/health', (route) => route.fulfill(asked++ ? { status: 503, contentType: 'application/problem+json', json: { status: 503, detail: '数据库暂时连不上，请稍后再试。' } } : { json: answer }))
    await b.go('/system')
    await b.page.getByText('有 1 项异常，需要立即处理').waitFor()
    assert.match(await b.page.locator('.checks li').first().innerText(), /磁盘空间/)
    await b.page.getByText('数据时间 16:00:0').waitFor()
    await b.gate('system-bad')
    await b.page.clock.runFor(75_000)
    await b.page.getByText(/数据滞后 1:1\d/).waitFor()
    await b.page.getByText('以下是上次加载的内容').waitFor()
    assert.ok(asked > 1, 'it looks again by itself')
    await b.gate('system-old')
    await b.page.getByRole('link', { name: '去处理后台任务' }).click()
    await b.page.waitForURL('**/system/jobs')
  }))

it('runs a parked job again, and deletes one only when its number is typed', () =>
  open({}, async (b) => {
    const deeds = await park(b)
    await b.go('/system/jobs')
    await b.page.locator('summary', { hasText: 'connection refused' }).click()
    await b.page.getByText('send.go:88').waitFor()
    await b.gate('jobs-error')
    await b.page.getByRole('button', { name: '重新执行任务“归集数据文件”（编号 412）' }).click()
    await b.page.getByText('任务“归集数据文件”已重新排队').waitFor()
    await b.page.getByRole('button', { name: '删除任务“发送短信提醒”（编号 407）' }).click()
    const dialog = b.page.getByRole('dialog')
    const drop = dialog.getByRole('button', { name: '删除', exact: true })
    assert.equal(await drop.isDisabled(), true)
    await dialog.getByRole('textbox').fill('407')
    await b.gate('jobs-drop')
    await drop.click()
    await b.page.getByText('任务“发送短信提醒”已删除').waitFor()
    assert.deepEqual(deeds, ['POST /api/system/jobs/412/retry', 'DELETE /api/system/jobs/407'])
    await b.page.getByRole('button', { name: '待处理 1' }).waitFor()
    await b.page.getByRole('button', { name: '等待与执行中 2' }).click()
    await b.page.getByText('失败待重试').waitFor()
    await b.gate('jobs-waiting')
  }))

it('says so in English', () =>
  open({ lang: 'en' }, async (b) => {
    await b.page.addInitScript(() => localStorage.setItem('qushu.lang', 'en'))
    await b.go('/system')
    await b.page.getByRole('heading', { name: 'System health' }).waitFor()
    await b.gate('system-english')
  }))
