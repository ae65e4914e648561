// The shell without a network: hashed assets from the cache, pages from the network first. /api and /realtime never pass
// through here, so no government data is kept in the browser.
const cacheName = 'qushu-shell-1'
const most = 300 // assets kept; the oldest go first, releases replace their names

self.addEventListener('install', () => self.skipWaiting())

self.addEventListener('activate', (event) => {
  const clean = async () => {
    for (const name of await caches.keys()) if (name !== cacheName) await caches.delete(name)
    await self.clients.claim()
  }
  event.waitUntil(clean())
})

async function asset(request) {
  const cache = await caches.open(cacheName)
  const kept = await cache.match(request)
  if (kept) return kept
  const answer = await fetch(request)
  if (answer.ok) {
    await cache.put(request, answer.clone())
    const keys = await cache.keys()
    for (const old of keys.slice(0, Math.max(0, keys.length - most))) await cache.delete(old)
  }
  return answer
}

async function page(request) {
  const cache = await caches.open(cacheName)
  try {
    const answer = await fetch(request)
    const isPage = answer.headers.get('Content-Type')?.includes('text/html')
    if (answer.ok && isPage) await cache.put('/', answer.clone())
    return answer
  } catch (failure) {
    const kept = await cache.match('/')
    if (kept) return kept
    throw failure
  }
}

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== self.location.origin) return
  if (url.pathname.startsWith('/api/') || url.pathname.startsWith('/realtime/')) return
  if (url.pathname.startsWith('/assets/')) event.respondWith(asset(request))
  else if (request.mode === 'navigate') event.respondWith(page(request))
})
