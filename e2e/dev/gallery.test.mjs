// Every part on one page (npm run gallery in web/ builds it), through the three gates under a policy without 'unsafe-inline'.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { desk, openBrowser, phone } from '../lib/browser.mjs'
import { startMock } from './mock.mjs'

let server
before(async () => {
  execFileSync('npm', ['run', '-s', 'gallery'], { cwd: fileURLToPath(new URL('../../web/', import.meta.url)) })
  server = await startMock(0, fileURLToPath(new URL('../out/gallery/', import.meta.url)))
})
after(() => server.stop())

for (const [width, viewport] of Object.entries({ 1440: desk, 390: phone }))
  for (const theme of ['light', 'care'])
    it(`parts ${width} ${theme}`, async () => {
      const b = await openBrowser(server.url, { viewport, theme })
      await b.go('/')
      await b.gate(`parts-${width}-${theme}`)
      await b.close()
    })

it('parts in use: order and next page, select, date, dialog, typed confirmation, a masked value', async () => {
  const b = await openBrowser(server.url)
  const { page } = b
  await b.go('/')
  await page.locator('th >> text=条数').click()
  await page.locator('th >> text=条数').click()
  await page.waitForURL('**/?sort=-rows')
  assert.equal(await page.locator('tbody tr').first().locator('td').nth(4).innerText(), '22,000')
  await page.locator('text=下一页').click()
  await page.locator('text=第 2 页').waitFor()
  await page.locator('input[placeholder=按名称搜索]').fill('没有的')
  await page.locator('text=没有符合筛选条件的记录').waitFor()
  await b.gate('parts-filtered')
  await page.locator('text=清除筛选').click()
  await page.locator('tbody tr').first().waitFor()
  await page.locator('#field-kind').click()
  await page.locator('li >> text=有条件共享').waitFor()
  await b.gate('parts-select')
  await page.locator('li >> text=有条件共享').click()
  await page.locator('#field-date').click()
  await page.locator('.el-date-table').waitFor()
  await b.gate('parts-date')
  await page.keyboard.press('Escape')
  await page.locator('text=打开对话框').click()
  await page.locator('.el-dialog').waitFor()
  await b.gate('parts-dialog')
  await page.keyboard.press('Escape')
  await page.locator('.el-overlay').waitFor({ state: 'hidden' })
  await page.locator('button >> text=删除').click()
  assert.ok(await page.locator('dialog button.danger').isDisabled())
  await page.locator('dialog input').fill('人口基本信息')
  await b.gate('parts-confirm')
  await page.keyboard.press('Enter')
  await page.locator('.toast >> text=已删除').waitFor()
  await b.gate('parts-toast')
  await page.locator('.toast >> text=撤销').click()
  await page.locator('.masked .look').first().click()
  await page.locator('#field-purpose').fill('核对材料')
  await b.gate('parts-masked')
  await page.locator('dialog button[type=submit]').click()
  await page.locator('text=13812345678').waitFor()
  await b.close()
})
