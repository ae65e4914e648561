// @vitest-environment jsdom
import { expect, it } from 'vitest'
import { nodesOf } from './markdown'

function html(markdown: string): string {
  const box = document.createElement('div')
  box.append(nodesOf(markdown))
  return box.innerHTML.trim()
}

it('writes what people use in notices, headings below the page’s own', () => {
  expect(html('# 一、时间\n\n**12月1日**上午\n9:00')).toBe('<h2>一、时间</h2>\n<p><strong>12月1日</strong>上午<br>9:00</p>')
  expect(html('- 甲\n- 乙')).toBe('<ul>\n<li>甲</li>\n<li>乙</li>\n</ul>')
  expect(html('|列|\n|-|\n|值|')).toMatch(/^<div class="scroll" tabindex="0"><table>/)
})

it.each([
  ['a script', '<script>alert(1)</script>', /script|alert/],
  ['an event', '<p onclick="alert(1)">a</p>', /onclick/],
  ['a picture that tells who reads', '![x](https://evil.example/p.png)', /img|evil/],
  ['a picture that fails', '<img src=x onerror=alert(1)>', /img|onerror/],
  ['a style', '<p style="position:fixed">a</p><style>p{}</style>', /style/],
  ['a frame', '<iframe src="https://evil.example"></iframe>', /iframe/],
  ['a form', '<form action="https://evil.example"><input name=p></form>', /form|input/],
  ['a script address', '[a](javascript:alert(1))', /javascript|<a/],
  ['a script address in disguise', '[a](JaVaScRiPt&#58;alert(1))', /script:|<a/i],
  ['a data address', '[a](data:text/html;base64,PHNjcmlwdD4=)', /data:|<a/],
  ['an address without a scheme', '[a](//evil.example)', /evil/],
  ['an SVG', '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>', /svg|xlink|javascript/],
  ['an id that shadows the page’s', '<p id="field-title" name="body">a</p>', /id=|name=/],
])('leaves out %s', (_what, markdown, never) => expect(html(markdown)).not.toMatch(never))

it('opens links that leave the portal apart, others in place', () => {
  expect(html('[网站](https://www.hongshan.gov.cn/a)')).toContain('target="_blank"')
  expect(html('[网站](https://www.hongshan.gov.cn/a)')).toContain('rel="noopener noreferrer"')
  expect(html('[资源](/library/datasets)')).toBe('<p><a href="/library/datasets">资源</a></p>')
})
