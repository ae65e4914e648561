import { totp } from './totp.mjs'

const steps = '#field-new, code.secret, #field-code, .shell, [role=alert]'

/** Signs in through the pages a person uses, whatever the server asks for on the way: a forced change of the password, binding
 *  an authenticator, a code. person: { account, password, secret? }; a new password and a new secret are written into it.
 *  visit is called with the name of each step ('change', 'bind', 'recovery') before it is filled in. */
export async function signIn(page, base, person, visit = async () => {}) {
  await page.goto(`${base}/signin`)
  await page.locator('#field-account').fill(person.account)
  await page.locator('#field-password').fill(person.password)
  await submit(page)
  for (;;) {
    await page.locator(steps).first().waitFor()
    if (await page.locator('.shell').count()) return
    const alert = page.locator('[role=alert]')
    if (await alert.count()) throw new Error(`sign-in of ${person.account}: ${await alert.first().innerText()}`)
    if (await page.locator('#field-new').count()) await change(page, person, visit)
    else if (await page.locator('code.secret').count()) await bind(page, person, visit)
    else await prove(page, person)
  }
}

const submit = (page) => page.locator('form button[type=submit]').click()
const gone = (page, selector) => page.locator(selector).waitFor({ state: 'detached' })

async function change(page, person, visit) {
  await visit('change')
  person.password = `New-${person.password}`
  await page.locator('#field-new').fill(person.password)
  await page.locator('#field-new-again').fill(person.password)
  await submit(page)
  await gone(page, '#field-new')
}

async function bind(page, person, visit) {
  await visit('bind')
  person.secret = (await page.locator('code.secret').innerText()).replaceAll(' ', '')
  person.used = totp(person.secret)
  await page.locator('#field-code').fill(person.used)
  await submit(page)
  await page.locator('ol.codes').waitFor()
  await visit('recovery')
  person.recovery = await page.locator('ol.codes li').allInnerTexts()
  await page.locator('.tick input').check()
  await page.locator('.btn.primary.wide').click()
  await gone(page, 'ol.codes')
}

/** Types the code; a code works once, so the one used for binding is waited out. */
async function prove(page, person) {
  let code = totp(person.secret)
  while (code === person.used) {
    await page.waitForTimeout(500)
    code = totp(person.secret)
  }
  person.used = code
  await page.locator('#field-code').fill(code)
  await page.locator('.shell, [role=alert], #field-new, code.secret').first().waitFor()
}
