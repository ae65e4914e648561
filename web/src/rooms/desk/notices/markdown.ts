import DOMPurify from 'dompurify'
import { Marked } from 'marked'

const tags = ['h2', 'h3', 'h4', 'h5', 'h6', 'p', 'br', 'hr', 'strong', 'em', 'del', 'code', 'pre', 'blockquote', 'ul', 'ol', 'li', 'a', 'table', 'thead', 'tbody', 'tr', 'th', 'td']

// A notice's own headings stand below the page's. Line breaks count, as people type them.
const reader = new Marked({ gfm: true, breaks: true, walkTokens: (token) => void (token.type === 'heading' && (token.depth = Math.min(6, (token.depth as number) + 1))) })

/** A notice's Markdown as nodes to put into the page: a few kinds of elements, no script, no style, no picture from elsewhere.
 *  Raw HTML in the text is cleaned like everything else. Links that leave the portal open apart and tell nobody where from. */
export function nodesOf(markdown: string): DocumentFragment {
  const html = reader.parse(markdown, { async: false })
  const clean = DOMPurify.sanitize(html, { ALLOWED_TAGS: tags, ALLOWED_ATTR: ['href', 'title', 'align', 'start'], ALLOW_DATA_ATTR: false, ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|tel:|\/(?![/\\])|#)/i, RETURN_DOM_FRAGMENT: true })
  for (const link of clean.querySelectorAll('a')) {
    if (!link.getAttribute('href')) link.replaceWith(...link.childNodes)
    else if (new URL(link.href, location.href).origin !== location.origin) Object.assign(link, { target: '_blank', rel: 'noopener noreferrer' })
  }
  for (const table of clean.querySelectorAll('table')) {
    const box = document.createElement('div')
    box.className = 'scroll'
    box.tabIndex = 0
    table.replaceWith(box)
    box.append(table)
  }
  return clean
}
