// A fresh machine: the set-up page with the token from the terminal, three administrators, and each of them at work
// with a second factor. Runs against bin/qushu (or E2E_PROGRAM).
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { openBrowser, phone } from './lib/browser.mjs'
import { startServer } from './lib/server.mjs'
import { signIn } from './lib/signin.mjs'

const admins = [
  { kind: 'system', account: 'sysadmin', name: '周系统', password: 'Hub-Bridge-71-Lake' },
  { kind: 'security', account: 'secadmin', name: '吴安全', password: 'Lotus-Stone-42-Gate' },
  { kind: 'audit', account: 'auditadmin', name: '郑审计', password: 'River-Paper-93-Seal' },
]
const refused = [/the server responded with a status of 4\d\d/] // the browser's own line for a 401 before signing in

let server
before(async () => (server = await startServer()))
after(() => server?.stop())

it('sets up three administrators with the token from the terminal', async () => {
  const token = server.output().match(/setup_[0-9A-Za-z]+/)?.[0]
  assert.ok(token, `no set-up token on the terminal:\n${server.output()}`)
  const b = await openBrowser(server.url, { expected: refused })
  await b.go('/')
  await b.page.locator('#field-token').waitFor()
  await b.gate('first-start')
  const field = (name) => b.page.locator(`[id="field-${name}"]`)
  for (const [at, admin] of admins.entries()) {
    await field(`admins[${at}].account`).fill(admin.account)
    await field(`admins[${at}].name`).fill(admin.name)
    await field(`admins[${at}].password`).fill(admin.password)
    await field(`admins[${at}].password-again`).fill(admin.password)
  }
  await field('token').fill('setup_wrong')
  await b.page.locator('button[type=submit]').click()
  await b.page.locator('[role=alert]').waitFor()
  await b.gate('first-start-wrong-token')
  await field('token').fill(token)
  await b.page.locator('button[type=submit]').click()
  await b.page.waitForURL('**/signin')
  await b.close()
})

for (const admin of admins) {
  it(`lets the ${admin.kind} administrator in with a second factor`, async () => {
    const b = await openBrowser(server.url, { viewport: admin.kind === 'audit' ? phone : undefined, expected: refused })
    await signIn(b.page, server.url, admin, (step) => b.gate(`first-start-${admin.kind}-${step}`))
    await b.gate(`first-start-${admin.kind}`)
    await b.go('/me')
    await b.gate(`first-start-${admin.kind}-me`)
    await b.close()
  })
}
