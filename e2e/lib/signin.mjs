import { totp } from './totp.mjs'

/** Signs in through the pages a person uses, with the second factor; binds one first where the server asks for it.
 *  person: { account, password, secret? }; the secret of a new binding is written into person.secret. */
export async function signIn(page, base, person) {
  await page.goto(`${base}/signin`)
  await page.locator('#field-account').fill(person.account)
  await page.locator('#field-password').fill(person.password)
  await page.locator('form button[type=submit]').click()
  await page.waitForFunction(() => document.querySelector('#field-code, #field-new, #field-recovery, .shell, [role=alert]'))
  const alert = page.locator('[role=alert]')
  if (await alert.count()) throw new Error(`sign-in of ${person.account}: ${await alert.first().innerText()}`)

  if (await page.locator('#field-new').count()) throw new Error(`${person.account} must change the password first: use changePassword`)
  if (await page.locator('code.secret').count()) await bind(page, person)
  else if (await page.locator('#field-code').count()) await page.locator('#field-code').fill(totp(person.secret))
  await page.locator('.shell').waitFor()
}

/** Binds an authenticator on the page that is open, and keeps its secret. */
export async function bind(page, person) {
  person.secret = (await page.locator('code.secret').innerText()).replaceAll(' ', '')
  await page.locator('#field-code').fill(totp(person.secret))
  await page.locator('form button[type=submit]').click()
  await page.locator('ol.codes').waitFor()
  person.recovery = await page.locator('ol.codes li').allInnerTexts()
  await page.locator('.tick input').check()
  await page.locator('.btn.primary.wide').click()
}
