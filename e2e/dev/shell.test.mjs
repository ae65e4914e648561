// The shell and the pages around signing in, against the stand-in: every state looked at on a desk and a phone,
// in both themes, through the three gates.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { desk, openBrowser, phone } from '../lib/browser.mjs'
import { startMock } from './mock.mjs'

let server
before(async () => (server = await startMock()))
after(() => server.stop())

const refused = [/the server responded with a status of 4\d\d/] // the browser's own line for a refusal the test provokes

async function enter(b) {
  await b.go('/signin')
  await b.page.locator('#field-account').fill('lixia')
  await b.page.locator('#field-password').fill('Right-Pass-1')
  await b.page.keyboard.press('Enter')
  await b.page.locator('#field-code').fill('123 456')
  await b.page.locator('.shell').waitFor()
}

async function inBrowser(options, run) {
  server.reset()
  const b = await openBrowser(server.url, options)
  try {
    await run(b)
  } finally {
    await b.close()
  }
}

for (const [width, viewport] of Object.entries({ 1440: desk, 390: phone })) {
  for (const theme of ['light', 'care']) {
    describe(`${width} ${theme}`, () => {
      it('sign-in, with a wrong password and a second step', () =>
        inBrowser({ viewport, theme, expected: refused }, async (b) => {
          await b.go('/signin')
          await b.gate(`signin-${width}-${theme}`)
          await b.page.locator('#field-account').fill('lixia')
          await b.page.locator('#field-password').fill('wrong')
          await b.page.keyboard.press('Enter')
          await b.page.locator('[role=alert]').waitFor()
          await b.gate(`signin-wrong-${width}-${theme}`)
          await b.page.locator('#field-password').fill('Right-Pass-1')
          await b.page.keyboard.press('Enter')
          await b.page.locator('#field-code').waitFor()
          await b.gate(`signin-code-${width}-${theme}`)
        }))

      it('set-up', () =>
        inBrowser({ viewport, theme, expected: refused }, async (b) => {
          server.state.setup = true
          await b.go('/')
          await b.page.locator('#field-token').waitFor()
          await b.gate(`setup-${width}-${theme}`)
        }))

      it('shell, help, palette and account', () =>
        inBrowser({ viewport, theme }, async (b) => {
          await enter(b)
          await b.gate(`shell-${width}-${theme}`)
          await b.page.keyboard.press('?')
          await b.page.locator('dialog[open]').waitFor()
          await b.gate(`help-${width}-${theme}`)
          await b.page.keyboard.press('Escape')
          await b.page.keyboard.press('Control+k')
          await b.page.locator('[role=combobox]').fill('wang')
          await b.page.locator('text=王晓梅').waitFor()
          await b.gate(`palette-${width}-${theme}`)
          await b.page.keyboard.press('Escape')
          await b.page.locator('.opener').click()
          await b.page.locator('[role=menu]').waitFor()
          await b.gate(`menu-${width}-${theme}`)
          await b.page.keyboard.press('Escape')
          await b.go('/me')
          await b.gate(`me-${width}-${theme}`)
        }))

      it('forced password, then a new authenticator with its recovery codes', () =>
        inBrowser({ viewport, theme }, async (b) => {
          Object.assign(server.state, { change: true, bound: false })
          await b.go('/signin')
          await b.page.locator('#field-account').fill('lixia')
          await b.page.locator('#field-password').fill('Right-Pass-1')
          await b.page.keyboard.press('Enter')
          await b.page.waitForURL('**/change-password')
          await b.page.locator('#field-new').fill('abc')
          await b.gate(`change-password-${width}-${theme}`)
          await b.page.locator('#field-new').fill('Another-Pass-2')
          await b.page.locator('#field-new-again').fill('Another-Pass-2')
          await b.page.locator('button[type=submit]').click()
          await b.page.waitForURL('**/enroll')
          await b.page.locator('code.secret').waitFor()
          await b.gate(`enroll-${width}-${theme}`)
          await b.page.locator('#field-code').fill('123456')
          await b.page.locator('button[type=submit]').click()
          await b.page.locator('ol.codes').waitFor()
          await b.gate(`recovery-${width}-${theme}`)
          await b.page.locator('.tick input').check()
          await b.page.locator('.btn.primary.wide').click()
          await b.page.locator('.shell').waitFor()
        }))

      it('activation', () =>
        inBrowser({ viewport, theme }, async (b) => {
          await b.go('/activate?account=lixia')
          await b.gate(`activate-${width}-${theme}`)
        }))
    })
  }
}

describe('behaviour', () => {
  it('leads back to the page that was asked for', () =>
    inBrowser({ expected: refused }, async (b) => {
      await b.go('/me')
      assert.equal(new URL(b.page.url()).search, '?to=/me')
      await b.page.locator('#field-account').fill('lixia')
      await b.page.locator('#field-password').fill('Right-Pass-1')
      await b.page.keyboard.press('Enter')
      await b.page.locator('#field-code').fill('123456')
      await b.page.waitForURL('**/me')
    }))

  it('signs in with a recovery code', () =>
    inBrowser({}, async (b) => {
      await b.go('/signin')
      await b.page.locator('#field-account').fill('lixia')
      await b.page.locator('#field-password').fill('Right-Pass-1')
      await b.page.keyboard.press('Enter')
      await b.page.locator('text=改用恢复码').click()
      await b.page.locator('#field-recovery').fill('AAAA-BBBB')
      await b.page.keyboard.press('Enter')
      await b.page.locator('.shell').waitFor()
    }))

  it('goes everywhere by keyboard: skip link, palette with pinyin initials, G and a letter', () =>
    inBrowser({}, async (b) => {
      await enter(b)
      await b.page.reload({ waitUntil: 'networkidle' })
      await b.page.keyboard.press('Tab')
      assert.equal(await b.page.evaluate(() => document.activeElement.className), 'skip')
      await b.page.keyboard.press('Enter')
      assert.equal(await b.page.evaluate(() => document.activeElement.id), 'main')
      await b.page.keyboard.press('Control+k')
      await b.page.locator('[role=combobox]').fill('wdzh')
      await b.page.locator('[role=option] >> text=我的账号').waitFor()
      await b.page.keyboard.press('Enter')
      await b.page.waitForURL('**/me')
      await b.page.waitForFunction(() => document.activeElement.id === 'main')
      await b.page.keyboard.press('g')
      await b.page.keyboard.press('w')
      await b.page.waitForURL('**/desk')
    }))

  it('speaks English at once, menu included', () =>
    inBrowser({}, async (b) => {
      await enter(b)
      await b.page.locator('.opener').click()
      await b.page.locator('[role=menuitem] >> text=English').click()
      await b.page.locator('nav >> text=Workbench').first().waitFor()
      assert.equal(await b.page.evaluate(() => document.documentElement.lang), 'en')
      await b.gate('english')
    }))

  it('switches the post', () =>
    inBrowser({}, async (b) => {
      await enter(b)
      await b.page.locator('.opener').click()
      await b.page.locator('[role=menuitemradio] >> text=狮子山街道办事处').click()
      await b.page.locator('.who >> text=狮子山街道办事处').waitFor()
    }))

  it('makes a token, shows it once, and ends a session after asking', () =>
    inBrowser({}, async (b) => {
      await enter(b)
      await b.go('/me')
      await b.page.locator('text=新建令牌').click()
      await b.page.locator('#field-name').fill('试验')
      await b.page.locator('fieldset >> text=查看数据资源').click()
      await b.page.locator('text=生成令牌').click()
      await b.page.locator('text=qst_9f2c41d8e07b4c6fa3d5').waitFor()
      await b.gate('token-made')
      await b.page.locator('button.danger >> text=下线').click()
      await b.page.locator('dialog[open] button.danger').click()
      await b.page.locator('text=该设备已下线').waitFor()
      assert.equal(server.state.sessions.length, 1)
    }))

  it('says that the connection is lost, and goes on by itself when it is back', () =>
    inBrowser({ expected: [/ERR_INTERNET_DISCONNECTED/, /Failed to load resource/] }, async (b) => {
      await enter(b)
      await b.go('/me')
      await b.context.setOffline(true)
      await b.page.locator('.strip.lost').waitFor()
      await b.gate('offline')
      await b.context.setOffline(false)
      await b.page.locator('.strip.lost').waitFor({ state: 'detached' })
    }))

  it('counts unread notices anew when the server pushes, without a reload', () =>
    inBrowser({}, async (b) => {
      await enter(b)
      await b.page.locator('.bell >> text=2').waitFor()
      while (server.connected() === 0) await b.page.waitForTimeout(50)
      server.state.unread = 3
      server.push({ topic: 'notify.unread', id: 'n3', kind: 'info' })
      await b.page.locator('.bell >> text=3').waitFor()
      await b.gate('bell')
    }))

  it('leads to the sign-in page when the server has ended the session', () =>
    inBrowser({ expected: refused }, async (b) => {
      await enter(b)
      server.state.signed = false
      await b.page.locator('.opener').click()
      await b.page.locator('[role=menuitem] >> text=我的账号').click()
      await b.page.waitForURL('**/signin?**')
      await b.page.locator('text=登录已失效').waitFor()
    }))

  it('shows the shell again without a network, from its service worker, and keeps no data', () =>
    inBrowser({ workers: true, expected: [/ERR_INTERNET_DISCONNECTED/, /Failed to load resource/, /ERR_FAILED/] }, async (b) => {
      const local = server.url.replace('127.0.0.1', 'localhost')
      await b.page.goto(`${local}/signin`)
      await b.page.evaluate(() => navigator.serviceWorker.ready.then(() => true))
      await b.page.reload({ waitUntil: 'networkidle' })
      await b.context.setOffline(true)
      await b.page.goto(`${local}/signin`)
      await b.page.locator('h1').waitFor()
      const kept = await b.page.evaluate(async () => (await Promise.all((await caches.keys()).map(async (n) => (await (await caches.open(n)).keys()).map((r) => new URL(r.url).pathname)))).flat())
      assert.deepEqual(kept.filter((path) => path !== '/' && !path.startsWith('/assets/')), [])
    }))
})
