// A stand-in for the program while only the shell is tried: serves web/dist with the program's headers and answers the few
// routes of identity, web and org from memory. Never part of a build. `node dev/mock.mjs 8099` opens it by hand.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { readFileSync, statSync } from 'node:fs'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const built = fileURLToPath(new URL('../../web/dist/', import.meta.url))
const kinds = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.png': 'image/png', '.webmanifest': 'application/manifest+json', '.json': 'application/json' }
const policy = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"

const pixel = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const units = { big: { id: 'u1', name: '洪山区大数据中心' }, street: { id: 'u2', name: '狮子山街道办事处' } }
const posts = [{ id: 'p1', title: '数据管理员', unit: units.big }, { id: 'p2', title: '网格联络员', unit: units.street }]
const menus = {
  'zh-CN': ['工作台', '数据资源', '数据查询', '单位人员', '审计台账', '消息提醒'],
  en: ['Workbench', 'Data library', 'Look-up', 'Units and people', 'Audit ledger', 'Notices'],
}
const menuOf = (lang) =>
  [['desk', 'portal', '/desk', 'home'], ['library', 'datahub', '/library', 'library'], ['lookup', 'datahub', '/lookup', 'lookup'], ['org', 'kernel', '/org/units', 'unit'], ['audit', 'kernel', '/audit', 'audit'], ['notify', 'portal', '/notify', 'bell']].map(
    ([room, pillar, path, icon], at) => ({ room, pillar, path, name: icon, perm: `${room}.read`, rank: at, title: menus[lang][at] }),
  )

const titles = [['library.read', '查看数据资源'], ['library.write', '上传数据表'], ['lookup.read', '查询数据'], ['org.read', '查看单位人员']].map(([name, title]) => ({ name, title }))

const freshState = () => ({
  setup: false, signed: false, unread: 2, half: '', post: posts[0], password: 'Right-Pass-1', bound: true, change: false,
  sessions: [
    { id: 's1', kind: 'pc', device: 'Chrome 156 · Windows 10', ip: '10.21.4.17', createdAt: '2023-11-23T00:31:00Z', seenAt: new Date().toISOString(), current: true },
    { id: 's2', kind: 'mobile', device: 'WeChat · Android', ip: '10.88.2.9', createdAt: '2023-11-20T02:12:00Z', seenAt: '2023-11-22T09:40:00Z', current: false },
  ],
  tokens: [{ id: 't1', name: '报表脚本', scopes: ['library.read'], createdAt: '2023-11-01T00:00:00Z', expiresAt: '2024-01-30T00:00:00Z', usedAt: null, expired: true }],
})

class Refusal extends Error {
  constructor(status, detail, errors) {
    super(detail)
    Object.assign(this, { status, errors })
  }
}

function routes(state, lang) {
  const next = () => {
    if (state.change) return { next: 'change' }
    if (!state.bound) return { next: 'enroll' }
    state.signed = true
    return { next: 'done' }
  }
  const signed = () => {
    if (!state.signed) throw new Refusal(401, '请先登录。')
  }
  return {
    'GET /api/system/site': () => ({ district: '武汉市洪山区', product: '区枢', demo: true, helpPhone: '027-8740 0000', footer: { organizer: '洪山区大数据中心', identifier: '4201110001', icp: '', police: '' }, version: '0.1.0' }),
    'GET /api/identity/setup': () => ({ needed: state.setup }),
    'POST /api/identity/setup': ({ token }) => {
      if (token !== 'TOKEN-1') throw new Refusal(422, '一次性令牌不对，请核对终端上打印的内容。', [{ location: 'body.token', message: '令牌不对' }])
      state.setup = false
    },
    'GET /api/identity/rules': () => ({ minLength: 10, classes: 3, history: 5, maxAgeDays: 90, denyNames: true, idleMinutes: 30 }),
    'POST /api/identity/signin': ({ account, password }) => {
      if (password !== state.password) throw new Refusal(401, '账号或密码不对，还可再试 4 次，之后账号将锁定 30 分钟。')
      state.half = account
      return state.bound && !state.change ? { next: 'totp' } : next()
    },
    'POST /api/identity/totp': ({ code, recovery }) => {
      if (code !== '123456' && recovery !== 'AAAA-BBBB') throw new Refusal(401, '动态码不对或已过期，请查看手机上的最新动态码。')
      return next()
    },
    'POST /api/identity/enroll': () => ({ secret: 'JBSWY3DPEHPK3PXPJBSWY3DP', uri: 'otpauth://totp/x', qr: pixel }),
    'POST /api/identity/recovery': () => ({ recoveryCodes: Array.from({ length: 10 }, (_, i) => `7K${i}Q-M4X${i}-9RT2`) }),
    'POST /api/identity/enroll/confirm': () => {
      state.bound = true
      return { recoveryCodes: Array.from({ length: 10 }, (_, i) => `7K${i}Q-M4X${i}-9RT2`), ...next() }
    },
    'POST /api/identity/password': ({ old, new: password }) => {
      if (state.signed && old !== state.password) throw new Refusal(422, '当前密码不对。', [{ location: 'body.old', message: '当前密码不对' }])
      Object.assign(state, { password, change: false })
      return next()
    },
    'POST /api/identity/activate': ({ password }) => {
      state.password = password
      return next()
    },
    'POST /api/identity/signout': () => void (state.signed = false),
    'GET /api/identity/me': () => {
      signed()
      const perms = ['library.read', 'library.write', 'lookup.read', 'org.read']
      const totp = { hasTotp: state.bound, totpRequired: true, passwordDaysLeft: 6, passwordWarn: true }
      return { person: { id: 'me', name: '李夏', account: 'lixia' }, post: state.post, posts, admin: '', perms, menu: menuOf(lang), mustChangePassword: state.change, mustEnrollTotp: !state.bound, ...totp, demo: true, district: '武汉市洪山区', lang }
    },
    'POST /api/identity/post': ({ postId }) => void (signed(), (state.post = posts.find((p) => p.id === postId))),
    'GET /api/identity/sessions': () => (signed(), { items: state.sessions }),
    'GET /api/identity/tokens': () => (signed(), { items: state.tokens, titles, maxDays: 90 }),
    'POST /api/identity/tokens': ({ name, scopes, days }) => {
      const token = { id: `t${state.tokens.length + 1}`, name, scopes, createdAt: new Date().toISOString(), expiresAt: new Date(Date.now() + days * 864e5).toISOString(), usedAt: null, expired: false }
      state.tokens.push(token)
      return { id: token.id, token: 'qst_9f2c41d8e07b4c6fa3d5' }
    },
    'GET /api/notify/count': () => (signed(), { count: state.unread, must: 0 }),
    'GET /api/org/search': () => ({ people: [{ id: 'a', name: '王晓梅', title: '科长', unit: '洪山区行政审批局' }], units: [{ id: 'u1', name: '洪山区大数据中心', path: '洪山区 / 行政审批局' }] }),
  }
}

function answerApi(state, request, path, body) {
  const lang = request.headers['accept-language']?.startsWith('en') ? 'en' : 'zh-CN'
  const changing = request.method !== 'GET'
  if (changing && (!request.headers['x-qushu-csrf'] || !request.headers['idempotency-key'])) throw new Refusal(403, 'no csrf header or key')
  const remove = path.match(/^\/api\/identity\/(sessions|tokens)\/(\w+)$/)
  if (remove && request.method === 'DELETE') {
    state[remove[1]] = state[remove[1]].filter((item) => item.id !== remove[2])
    return undefined
  }
  const route = routes(state, lang)[`${request.method} ${path}`]
  if (!route) throw new Refusal(404, `no route ${request.method} ${path}`)
  return route(body)
}

function answerFile(response, dist, path) {
  let file = normalize(join(dist, path))
  if (path === '/' || !file.startsWith(dist) || !statSync(file, { throwIfNoEntry: false })?.isFile()) {
    if (path.startsWith('/assets/')) return response.writeHead(404).end()
    file = join(dist, 'index.html')
  }
  response.writeHead(200, { 'Content-Type': kinds[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff' })
  response.end(readFileSync(file))
}

/** One text frame of a WebSocket, short ones only (RFC 6455 §5.2). */
function frame(text) {
  const body = Buffer.from(text)
  const head = body.length < 126 ? Buffer.from([0x81, body.length]) : Buffer.from([0x81, 126, body.length >> 8, body.length & 0xff])
  return Buffer.concat([head, body])
}

/** Takes a browser's connection as centrifuge would: whatever is asked first is answered as its connect command. */
function acceptRealtime(request, socket, sockets) {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64')
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`)
  socket.once('data', () => {
    sockets.add(socket)
    socket.write(frame(JSON.stringify({ id: 1, connect: { client: 'c1', version: 'stand-in', subs: { 'person:me': {} } } })))
  })
  socket.on('error', () => {})
  socket.on('close', () => sockets.delete(socket))
}

/** Starts the stand-in. Gives { url, state, reset(), push(data), stop() }; change state to steer the answers. */
export async function startMock(port = 0, dist = built) {
  const state = freshState()
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://x')
    if (!pathname.startsWith('/api/')) return answerFile(response, dist, pathname)
    let text = ''
    for await (const chunk of request) text += chunk
    try {
      const answer = answerApi(state, request, pathname, text ? JSON.parse(text) : {})
      if (answer === undefined) return response.writeHead(204).end()
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer))
    } catch (refusal) {
      const status = refusal.status ?? 500
      response.writeHead(status, { 'Content-Type': 'application/problem+json' })
      response.end(JSON.stringify({ status, detail: refusal.message, trace: '4bf92f3577b34da6', errors: refusal.errors }))
    }
  })
  const sockets = new Set()
  server.on('upgrade', (request, socket) => acceptRealtime(request, socket, sockets))
  const push = (data) => sockets.forEach((socket) => socket.write(frame(JSON.stringify({ push: { channel: 'person:me', pub: { data } } }))))
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  const stop = () => {
    sockets.forEach((socket) => socket.destroy())
    return new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${server.address().port}`, state, push, connected: () => sockets.size, reset: () => Object.assign(state, freshState()), stop }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await startMock(Number(process.argv[2] ?? 8099))
  process.stdout.write(`${url} (lixia / Right-Pass-1, code 123456)\n`)
}
