// Debian's Chromium under playwright-core, with the three gates every page must pass:
// axe finds no violation, the console holds no error, nothing is asked of another origin.
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
// Debian's Chromium without a window of its own needs a third less processor time than the one with.
const executablePath = process.env.E2E_CHROMIUM ?? ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find((one) => existsSync(one))
const out = process.env.E2E_OUT ?? fileURLToPath(new URL('../out/', import.meta.url))

/** Widths the pages are looked at: a desk and a phone. */
export const desk = { width: 1440, height: 900 }
export const phone = { width: 390, height: 844 }

// Drawing by SwiftShader costs a third more processor time: a file that looks at maps sets process.env.E2E_WEBGL at its top.
const webgl = ['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist']

let running // one Chromium for a test file; every test has its own context, with its own cookies and cache
after(async () => (await running)?.close())
const launch = () =>
  (running ??= chromium.launch({
    executablePath,
    headless: true,
    args: ['--no-sandbox', '--disable-dev-shm-usage', ...(process.env.E2E_WEBGL ? webgl : ['--disable-gpu'])],
  }))

/** Opens a fresh browser on base (the server's origin). options: viewport, theme 'light' | 'care', lang, workers (allow service workers).
 *  expected: patterns of console errors that the test provokes on purpose, such as the browser's own line for a 401. */
export async function openBrowser(base, { viewport = desk, theme = 'light', lang = 'zh-CN', workers = false, expected = [] } = {}) {
  const context = await (await launch()).newContext({
    viewport,
    locale: lang,
    timezoneId: 'UTC', // the interface must show +08:00 whatever the computer says
    reducedMotion: 'reduce', // nothing is looked at while it moves
    serviceWorkers: workers ? 'allow' : 'block',
    permissions: ['clipboard-write'],
  })
  await context.addInitScript(`localStorage.getItem('qushu.theme') ?? localStorage.setItem('qushu.theme', ${JSON.stringify(theme)})`)
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  const origin = new URL(base).origin
  const errors = []
  const strangers = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected.some((pattern) => pattern.test(message.text()))) errors.push(`${message.text()} @ ${message.location().url}`)
  })
  page.on('pageerror', (error) => errors.push(`uncaught: ${error.message}`))
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (!['data:', 'blob:'].includes(url.protocol) && url.origin !== origin && url.origin !== origin.replace(/^http/, 'ws')) strangers.push(request.url())
  })
  await page.addInitScript(() => {
    window.cspViolations = []
    document.addEventListener('securitypolicyviolation', (e) => window.cspViolations.push(`${e.effectiveDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`))
  })

  return {
    page,
    context,
    errors,
    /** Opens an address and waits until the program has drawn it. */
    async go(path) {
      await page.goto(base + path)
      await page.locator('#app h1, #app .empty').first().waitFor()
      await settled(page)
    },
    /** Takes a screenshot and asserts the gates on the page as it stands. */
    async gate(name) {
      await settled(page)
      mkdirSync(out, { recursive: true })
      await picture(page, join(out, `${name}.png`))
      await settled(page) // axe measures the colours of the moment, and a fading heading has poor ones
      assert.deepEqual(await axe(page), [], `${name}: axe violations`)
      assert.deepEqual(errors, [], `${name}: console errors`)
      assert.deepEqual(strangers, [], `${name}: requests off origin`)
      assert.deepEqual(await page.evaluate(() => window.cspViolations), [], `${name}: content security policy violations`)
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      if (process.env.QUSHU_TEST_COUNT) appendFileSync(join(process.env.QUSHU_TEST_COUNT, 'chromium'), `${name}\n`)
      assert.ok(overflow <= 0, `${name}: the page is ${overflow} px wider than the window`)
    },
    close: () => context.close(),
  }
}

/** A picture of the whole page. The window is made as high as the page: when Chromium captures beyond its window, media queries
 *  flip for a moment, and a page that has one view for desks and one for phones would be drawn anew. */
async function picture(page, path) {
  const window = page.viewportSize()
  const height = await page.evaluate(() => document.documentElement.scrollHeight)
  if (height > window.height) await page.setViewportSize({ width: window.width, height })
  await page.screenshot({ path })
  if (height > window.height) await page.setViewportSize(window)
}

/** Waits until finite animations have ended and no skeleton is left. */
export async function settled(page) {
  await page.waitForFunction(() => !document.querySelector('.skeleton') && document.getAnimations().every((a) => a.playState !== 'running' || a.effect?.getComputedTiming().iterations === Infinity))
}

/** Runs axe with the WCAG 2.2 A and AA rules and gives one line a violation. */
export async function axe(page) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axeSource)
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }, resultTypes: ['violations'], preload: false }),
  )
  return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')} — ${n.failureSummary?.split('\n')[1]?.trim() ?? v.help}`))
}
