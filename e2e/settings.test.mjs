// Settings: each administrator sees everything and edits what is his, with a reason; a change somebody else made meanwhile is told.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { enter, setUp } from './lib/api.mjs'
import { desk, openBrowser, phone } from './lib/browser.mjs'
import { startServer } from './lib/server.mjs'

let server
let admins
const sessions = {}
before(async () => {
  server = await startServer()
  admins = await setUp(server)
  for (const kind of ['system', 'security', 'audit']) sessions[kind] = await enter(server.url, admins[kind])
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
const row = (b, title) => b.page.locator('li.setting', { has: b.page.getByRole('heading', { name: title, exact: true }) })
const lock = '连续失败几次后锁定'

for (const [width, viewport] of Object.entries({ 1440: desk, 390: phone })) {
  for (const theme of ['light', 'care']) {
    it(`shows the security policy at ${width}, ${theme}`, () =>
      as('security', { viewport, theme }, async (b) => {
        await b.go('/settings')
        await b.gate(`settings-${width}-${theme}`)
        await row(b, lock).getByRole('button').click()
        await b.gate(`settings-edit-${width}-${theme}`)
      }))
  }
}

it('changes a number within its limits, with a reason', () =>
  as('security', {}, async (b) => {
    await b.go('/settings?q=' + encodeURIComponent('连续失败'))
    assert.equal(await b.page.locator('li.setting').count(), 2)
    const one = row(b, lock)
    await one.getByRole('button', { name: `修改“${lock}”` }).click()
    const value = one.getByLabel('改为')
    assert.equal(await value.inputValue(), '5')
    const save = one.getByRole('button', { name: '保存修改' })
    await value.fill('101')
    await one.getByText('应为 1 到 100 之间的整数').first().waitFor()
    assert.equal(await save.isDisabled(), true)
    await value.fill('4')
    assert.equal(await save.isDisabled(), true, 'a reason is needed')
    await one.getByLabel('修改理由').fill('按区网信办检查意见收紧')
    await save.click()
    await b.page.getByText(`“${lock}”已改为“4”`).waitFor()
    await one.getByText('理由：按区网信办检查意见收紧').waitFor()
    await one.getByText('默认值：5').waitFor()
    await b.gate('settings-changed')
  }))

it('says what changed meanwhile, keeps the draft, and saves it when asked again', () =>
  as('security', { expected: [/status of 409/] }, async (b) => {
    await b.go('/settings')
    const title = '无操作多少分钟后退出'
    const one = row(b, title)
    await one.getByRole('button', { name: `修改“${title}”` }).click()
    await one.getByLabel('改为').fill('20')
    await one.getByLabel('修改理由').fill('值班室要求')
    await sessions.security.call('PUT', '/api/settings/identity.idle_minutes', { value: 25, reason: '先试行一周', version: 0 })
    await one.getByRole('button', { name: '保存修改' }).click()
    await one.getByText(/吴安全（.*）把它改为“25”，理由：先试行一周/).waitFor()
    assert.equal(await one.getByLabel('改为').inputValue(), '20')
    await b.gate('settings-conflict')
    await one.getByRole('button', { name: '仍按我的值保存' }).click()
    await b.page.getByText(`“${title}”已改为“20”`).waitFor()
  }))

it('offers a switch, a choice by name, and a text', async () => {
  await as('security', {}, async (b) => {
    await b.go('/settings')
    const weak = row(b, '禁用常见弱密码')
    await weak.getByRole('button').click()
    await weak.getByLabel('关闭').check()
    await weak.getByRole('button', { name: '填入默认值“开启”' }).click()
    assert.equal(await weak.getByLabel('开启').isChecked(), true)
    const totp = row(b, '谁必须使用动态口令')
    await totp.getByRole('button').click()
    await totp.getByLabel('改为').selectOption('所有人')
    await b.gate('settings-kinds')
  })
  await as('system', {}, async (b) => {
    await b.go('/settings')
    const one = row(b, '帮助电话')
    await one.getByRole('button').click()
    await one.getByLabel('改为').fill('027-87750000')
    await one.getByLabel('修改理由').fill('填写值班电话')
    await one.getByRole('button', { name: '保存修改' }).click()
    await b.page.getByText('“帮助电话”已改为“027-87750000”').waitFor()
    await b.page.getByRole('button', { name: /^全部/ }).click()
    await row(b, lock).getByText('由安全管理员修改').waitFor()
    assert.equal(await row(b, lock).getByRole('button').count(), 0)
    await b.gate('settings-system')
  })
})

it('lets the auditor see everything and change nothing, in English too', () =>
  as('audit', {}, async (b) => {
    await b.go('/settings?show=changed')
    await row(b, lock).getByText('理由：按区网信办检查意见收紧').waitFor()
    assert.equal(await b.page.locator('li.setting button').count(), 0)
    await b.page.locator('.opener').click()
    await b.page.getByRole('menuitem', { name: 'English' }).click()
    await b.page.getByRole('heading', { name: 'Failures before the lock', exact: true }).waitFor()
    await b.gate('settings-audit-english')
    await b.page.getByLabel('Find a setting by name').fill('zzz')
    await b.page.getByText('No setting matches').waitFor()
    await b.gate('settings-none')
  }))

it('enters the days off of a year nobody knows yet, by hand on a desk and a phone', async () => {
  const year = new Date().getFullYear() + 6 // the list ends with it once it is entered; the next year may be known by the program some day
  const put = await sessions.system.call('PUT', `/api/settings/calendar/${year}`, { holidays: { [`${year}-01-01`]: '元旦' }, workdays: {}, reason: '测试', version: 0 })
  assert.equal(put.source, 'entered')
  for (const [width, viewport] of Object.entries({ 1440: desk, 390: phone })) {
    await as('system', { viewport }, async (b) => {
      await b.go(`/settings/calendar?year=${year}`)
      await b.page.getByRole('button', { name: `${year}-01-01，元旦放假` }).waitFor()
      await b.gate(`calendar-${width}`)
    })
  }
  await as('system', {}, async (b) => {
    await b.go(`/settings/calendar?year=${year}`)
    await b.page.getByLabel('节日').selectOption('国庆')
    const day = (date) => b.page.getByRole('button', { name: new RegExp(`^${date}`) })
    await day(`${year}-10-01`).click()
    const save = b.page.getByRole('button', { name: '保存日历' })
    assert.equal(await save.isDisabled(), true, 'the notice must be named')
    await b.page.getByLabel('依据').fill('国办发明电〔2031〕1号')
    await save.focus()
    await b.page.keyboard.press('Enter')
    await b.page.getByText(`${year} 年工作日历已保存`).waitFor()
    await b.page.getByRole('button', { name: `${year}-10-01，国庆放假` }).waitFor()
    await b.page.getByText('国办发明电〔2031〕1号').waitFor()
    await b.gate('calendar-saved')
  })
})
