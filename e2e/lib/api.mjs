// People at work without a browser: sets the program up and prepares what a test of pages needs, through the same API.
import { totp } from './totp.mjs'

/** The three administrators that setUp creates. Passwords are changed at the first sign-in. */
export const administrators = () => ({
  system: { account: 'sysadmin', name: '周系统', admin: 'system', password: 'Hub-Bridge-71-Lake' },
  security: { account: 'secadmin', name: '吴安全', admin: 'security', password: 'Lotus-Stone-42-Gate' },
  audit: { account: 'auditadmin', name: '郑审计', admin: 'audit', password: 'River-Paper-93-Seal' },
})

/** A session at base (the server's origin). call('POST', '/api/…', body) resolves with the JSON answer and throws the problem's words;
 *  body may be bytes or text, which go as they are, else it goes as JSON. */
export function client(base) {
  let cookie = ''
  async function call(method, path, body) {
    const raw = typeof body === 'string' || body instanceof Uint8Array
    const response = await fetch(base + path, {
      method,
      headers: {
        cookie, 'Accept-Language': 'zh-CN', 'X-Qushu-Csrf': '1', 'Idempotency-Key': crypto.randomUUID(),
        ...(body === undefined ? {} : { 'Content-Type': raw ? 'application/octet-stream' : 'application/json' }),
      },
      body: body === undefined || raw ? body : JSON.stringify(body),
    })
    const set = response.headers.getSetCookie()[0]
    if (set) cookie = set.split(';')[0]
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text ? JSON.parse(text) : undefined
  }
  return {
    call,
    get: (path) => call('GET', path),
    post: (path, body = {}) => call('POST', path, body),
    /** Puts the session into a browser context, so that its pages are signed in. */
    async lend(context) {
      const [name, ...value] = cookie.split('=')
      await context.addCookies([{ name, value: value.join('='), url: base }])
    },
  }
}

/** Creates the three administrators with the token the program printed; gives them as administrators() does. */
export async function setUp(server) {
  const token = server.output().match(/setup_[0-9A-Za-z]+/)?.[0]
  if (!token) throw new Error(`no set-up token on the terminal:\n${server.output()}`)
  const all = administrators()
  const admins = Object.values(all).map(({ account, name, admin, password }) => ({ account, name, kind: admin, password }))
  await client(server.url).post('/api/identity/setup', { token, admins })
  return all
}

/** Signs a person { account, password, secret? } in, whatever the server asks for on the way; gives his client. */
export async function enter(base, person) {
  const c = client(base)
  let { next } = await c.post('/api/identity/signin', { account: person.account, password: person.password })
  while (next !== 'done') {
    if (next === 'totp') ({ next } = await c.post('/api/identity/totp', { code: totp(person.secret) }))
    else if (next === 'change') {
      person.password = `New-${person.password}`
      ;({ next } = await c.post('/api/identity/password', { new: person.password }))
    } else next = await bind(c, person)
  }
  return c
}

async function bind(c, person) {
  person.secret = (await c.post('/api/identity/enroll')).secret
  return (await c.post('/api/identity/enroll/confirm', { code: totp(person.secret) })).next
}

/** Makes an account for a person of the org, activates it with a password and signs it in. by is the system administrator's client. */
export async function employ(base, by, person) {
  const { id } = await by.post('/api/identity/accounts', { login: person.account, person: person.id })
  const { code } = await by.post(`/api/identity/accounts/${id}/activation`)
  const c = client(base)
  const { next } = await c.post('/api/identity/activate', { account: person.account, code, password: person.password })
  return next === 'done' ? c : await enter(base, person)
}
