/** Looks at a page as a whole: as high as it is, so that heads and feet that stick to the window stand where they belong. */
export async function whole(b, name) {
  const before = b.page.viewportSize()
  await b.page.evaluate(() => window.scrollTo(0, 0))
  const height = await b.page.evaluate(() => document.documentElement.scrollHeight)
  await b.page.setViewportSize({ ...before, height: Math.max(height, before.height) })
  await b.gate(name)
  await b.page.setViewportSize(before)
}
