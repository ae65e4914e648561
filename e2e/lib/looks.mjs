import { desk, phone } from './browser.mjs'

/** Takes the page as it stands through its looks (desk and phone, light and care), each past every gate, and leaves it on a desk
 *  in the light theme. Screenshots: NAME-1440-light, NAME-1440-care, NAME-390-care, NAME-390-light. What is only open on
 *  this width, such as a drawer, is looked at with viewports [desk]. */
export async function looks(b, name, viewports = [desk, phone]) {
  for (const viewport of viewports) {
    for (const theme of viewport === desk ? ['light', 'care'] : ['care', 'light']) {
      await show(b.page, viewport, theme)
      await b.gate(`${name}-${viewport.width}-${theme}`)
    }
  }
  await show(b.page, viewports[0], 'light')
}

async function show(page, viewport, theme) {
  const wide = page.viewportSize().width
  await page.evaluate((to) => {
    if (to === 'care') document.documentElement.dataset.theme = 'care'
    else delete document.documentElement.dataset.theme
  }, theme)
  if (wide === viewport.width) return
  await page.setViewportSize(viewport)
  await page.locator(viewport === phone ? '.shell.phone' : '.shell:not(.phone)').waitFor()
  await page.locator('#app h1').first().waitFor()
}
