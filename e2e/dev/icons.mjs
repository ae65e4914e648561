// Draws web/public/icon-*.png from icon.svg. Run by hand when the mark changes: node dev/icons.mjs
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const folder = fileURLToPath(new URL('../../web/public/', import.meta.url))
const svg = readFileSync(`${folder}icon.svg`, 'utf8').replace('rx="14"', '') // maskable: the system cuts the corners
const browser = await chromium.launch({ executablePath: process.env.E2E_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
for (const size of [192, 512]) {
  const page = await browser.newPage({ viewport: { width: size, height: size } })
  await page.setContent(`<body style="margin:0">${svg.replace('<svg', `<svg width="${size}" height="${size}"`)}</body>`)
  await page.screenshot({ path: `${folder}icon-${size}.png` })
}
await browser.close()
