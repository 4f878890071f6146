import { html, type Html } from '../html.ts'

const headings: Readonly<Record<number, string>> = {
  401: 'Please log in first',
  403: 'That is not for you',
  404: 'There is nothing on this shelf',
  405: 'That cannot be done here',
  502: 'A part of the shop answers strangely',
  503: 'A part of the shop is resting',
  504: 'A part of the shop is slow today',
}

/** What went wrong, kindly; `status` is the one the answer has. `requestId` lets an operator find it. */
export function errorPage(status: number, detail: string, requestId: string): Html {
  const ours = status >= 500
  return html`<section class="narrow error"><p class="code">${status}</p>
<h1>${headings[status] ?? (ours ? 'Something broke on our side' : 'That did not work')}</h1>
<p>${ours ? 'It is not your fault, and nothing you had in your basket is lost. Please try again in a moment.' : `${detail}.`}</p>
<p><a class="button primary" href="/">Back to the books</a></p>
<p class="hint">Request <code>${requestId}</code></p></section>`
}
