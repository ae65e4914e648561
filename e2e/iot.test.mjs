// A sensor in another process speaks MQTT; its culvert fills, and the pages show it while it happens: the value, the orange line, the
// alarm, the bell. The duty officer acknowledges; somebody of another unit sees nothing.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { openBrowser, phone } from './lib/browser.mjs'
import { startDevice } from './lib/mqtt.mjs'
import { openOffice } from './lib/office.mjs'
import { freePort, startServer } from './lib/server.mjs'
import { whole } from './lib/whole.mjs'

const refused = [/status of 4\d\d/]
let server, office, port, device, id
const start = Date.now() - 90 * 60_000

before(async () => {
  port = await freePort()
  server = await startServer({ env: { QUSHU_MQTT__LISTEN: `127.0.0.1:${port}` } })
  office = await openOffice(server, {
    units: { district: { name: '洪山区', kind: 'district' }, water: { name: '区水务和湖泊局', kind: 'department', above: 'district' }, duty: { name: '区政府总值班室', kind: 'institution', above: 'district' }, civil: { name: '区民政局', kind: 'department', above: 'district' } },
    people: {
      keeper: { name: '王治水', unit: 'water', title: '科长', account: 'water.iot', password: 'Lake-Silk-33-Moon', perms: ['iot.read', 'iot.manage', 'signal.read', 'signal.handle', 'signal.define'].map((perm) => [perm, 'unit']) },
      officer: { name: '陈值班', unit: 'duty', title: '值班员', account: 'duty.night', password: 'Lake-Silk-34-Moon', roles: ['duty_officer'] },
      stranger: { name: '李慧', unit: 'civil', title: '科员', account: 'civil.reader', password: 'Lake-Silk-35-Moon', perms: [['iot.read', 'unit'], ['signal.read', 'unit']] },
    },
  })
})
after(async () => {
  device?.stop()
  await server?.stop()
})

async function at(who, options = {}) {
  const b = await openBrowser(server.url, { expected: refused, ...options })
  await office.people[who].client.lend(b.context)
  return b
}
/** A message of minute n; the last are of now. */
const say = (minute, depth) => device.say({ ts: start + minute * 60_000, values: { depth }, battery: 88 })

it('registers a device and shows its key once', async () => {
  const b = await at('keeper')
  const { page } = b
  await b.go('/iot')
  await page.getByText('还没有登记设备').waitFor()
  await b.gate('iot-none')
  await page.getByRole('button', { name: '登记设备' }).first().click()
  const form = page.getByRole('dialog')
  await form.getByLabel('类型').selectOption('culvert')
  await form.getByLabel('设备编码').fill('HS-QH-03')
  await form.getByLabel('名称').fill('珞狮路铁路涵洞')
  await form.getByLabel('经度').fill('114.3521')
  await form.getByLabel('纬度').fill('30.5124')
  await form.getByLabel('地址').fill('珞狮路与雄楚大道交汇处')
  await b.gate('iot-register')
  await form.getByRole('button', { name: '登记设备' }).click()
  const key = await page.locator('[data-key]').innerText()
  assert.match(key, /^qd_/)
  await b.gate('iot-key')
  await page.getByRole('button', { name: '已保存密钥' }).click()
  await page.getByText('还没有上报过').waitFor()
  await page.waitForURL(/\/iot\/devices\/[^/]+$/) // the list says so of a device too
  id = page.url().split('/').pop()
  device = startDevice({ port, code: 'HS-QH-03', key, topic: 'qushu/HS-QH-03/up' })
  for (let n = 0; n < 60; n += 1) await say(n, 2 + Math.sin(n / 9))
  await page.locator('[data-property="depth"]').filter({ hasText: /[123]\.\d/ }).waitFor()
  await b.close()
})

it('shows the line being crossed while it happens, and rings the bell', async () => {
  const [watch, duty] = await Promise.all([at('keeper'), at('officer')])
  await watch.go(`/iot/devices/${id}`)
  await duty.go('/signal')
  await duty.page.locator('[data-level="orange"]').getByText('0', { exact: true }).waitFor()
  await watch.page.locator('.chart[data-ready="true"]').waitFor()
  for (let n = 60; n < 88; n += 1) await say(n, 3 + (n - 60) * 0.93)
  const began = Date.now()
  await say(88, 28.6)
  await say(89, 29.4)
  await duty.page.getByRole('link', { name: '珞狮路铁路涵洞 积水深度' }).waitFor()
  const took = Date.now() - began
  console.log(`# sample to alarm on the page: ${took} ms`)
  await watch.page.locator('[data-property="depth"]').getByText('橙色').waitFor()
  await watch.page.locator('[data-property="depth"]').getByText('29.4').waitFor()
  await watch.page.waitForFunction(() => Number(document.querySelector('.chart')?.dataset.points) >= 88)
  await watch.gate('iot-device-orange')
  await watch.go('/iot')
  await watch.page.locator('[data-code="HS-QH-03"][data-level="orange"]').waitFor()
  await watch.gate('iot-list-orange')
  await watch.go('/notify')
  await watch.page.getByText(/橙色告警：珞狮路铁路涵洞 积水深度/).first().waitFor()
  await watch.close()
  await duty.gate('signal-alarms')
  await duty.page.getByRole('link', { name: '珞狮路铁路涵洞 积水深度' }).click()
  await duty.page.locator('.chart[data-ready="true"]').waitFor()
  await duty.page.getByText('≥ 27.0 cm').first().waitFor()
  await duty.gate('signal-alarm')
  await duty.page.getByRole('button', { name: '确认告警' }).click()
  await duty.page.getByRole('dialog').getByLabel('处置说明').fill('已通知排水站架泵，交警封闭北侧车道')
  await duty.gate('signal-acknowledge')
  await duty.page.getByRole('dialog').getByRole('button', { name: '确认告警' }).click()
  await duty.page.getByText('已通知排水站架泵').waitFor()
  await duty.page.getByText('已确认').first().waitFor()
  await duty.gate('signal-acknowledged')
  await duty.close()
})

it('lets the keeper mend the rule, and shows nothing to another unit', async () => {
  const b = await at('keeper', { lang: 'en-GB' })
  await b.go('/signal/list')
  await b.page.getByRole('link', { name: /积水深度/ }).click()
  await b.page.locator('.chart[data-ready="true"]').waitFor()
  await b.gate('signal-one-en')
  await b.page.getByRole('button', { name: 'Change rule' }).click()
  const form = b.page.getByRole('dialog')
  await form.getByLabel('Blue').first().fill('30')
  await form.getByLabel('Why it is changed').fill('The road was raised')
  await form.getByRole('button', { name: 'Save rule' }).click()
  await form.getByText('Upper lines must rise from blue to red').first().waitFor()
  await b.gate('signal-rule-refused-en')
  await form.getByLabel('Blue').first().fill('8')
  await form.getByRole('button', { name: 'Save rule' }).click()
  await form.waitFor({ state: 'detached' })
  await b.page.getByText('≥ 8.0 cm').waitFor()
  await b.close()
  const stranger = await at('stranger')
  await stranger.go('/signal')
  await stranger.page.getByText('没有告警').waitFor()
  await stranger.go('/iot')
  await stranger.page.getByText('还没有登记设备').waitFor()
  await stranger.close()
})

it('fits a phone, and reads well in the care theme', async () => {
  const small = await at('keeper', { viewport: phone })
  for (const [path, name] of [['/iot', 'iot-phone'], [`/iot/devices/${id}`, 'iot-device-phone'], ['/signal', 'signal-phone']]) {
    await small.go(path)
    await whole(small, name)
  }
  await small.page.getByRole('link', { name: /积水深度/ }).click()
  await small.page.locator('.chart[data-ready="true"]').waitFor()
  await whole(small, 'signal-alarm-phone')
  await small.close()
  const care = await at('officer', { theme: 'care' })
  await care.go('/signal')
  await care.gate('signal-care')
  await care.go(`/iot/devices/${id}`)
  await care.page.getByRole('button', { name: '以表格查看' }).click()
  await care.page.locator('table').waitFor()
  await care.gate('iot-device-care')
  await care.close()
})
