// The frame of every page.
import { html, type Html } from '../html.ts'
import type { Visitor } from '../visitor.ts'

export interface PageOptions {
  readonly title: string
  readonly visitor: Visitor
  readonly body: Html
  /** Which version of the catalog answered, if one was asked. */
  readonly catalogVersion?: string
  /** Load the page again after so many seconds. */
  readonly refreshSeconds?: number
  readonly search?: string
}

/** The whole page as text. */
export function page(options: PageOptions): string {
  const { title, visitor, body } = options
  const refresh = options.refreshSeconds
  const version = options.catalogVersion
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refresh === undefined ? undefined : html`<meta http-equiv="refresh" content="${refresh}">`}
<title>${title} · Loom Street Press</title>
<link rel="stylesheet" href="/assets/style.css">
<link rel="icon" href="/assets/icon.svg">
</head>
<body>
<header class="top">
<div class="wrap">
<a class="brand" href="/"><span class="mark" aria-hidden="true"></span>Loom Street Press</a>
<form class="search" action="/" role="search"><input type="search" name="q" placeholder="Title, author or subject" aria-label="Search" value="${options.search ?? ''}"></form>
<nav>
${visitor.name === undefined ? html`<a href="/login">Log in</a><a href="/register">Register</a>` : signedIn(visitor.name)}
<a class="basket" href="/basket">Basket${visitor.basketCount > 0 ? html` <span class="count">${visitor.basketCount}</span>` : undefined}</a>
</nav>
</div>
</header>
<main class="wrap">
${body}
</main>
<footer><div class="wrap"><span>Loom Street Press, printers of invented books since this morning.</span>${version === undefined ? undefined : html`<span>catalog ${version}</span>`}</div></footer>
</body>
</html>
`.text
}

function signedIn(name: string): Html {
  return html`<a href="/favourites">Favourites</a><a href="/orders">My orders</a>
<form class="inline" method="post" action="/logout"><button class="link" title="Log out ${name}">Log out</button></form>`
}

/** `1990` as `€19.90`. */
export function price(cents: number): string {
  return `€${(cents / 100).toFixed(2)}`
}

/** A message above a form, if there is one. */
export function notice(text: string | undefined): Html | undefined {
  return text === undefined
    ? undefined
    : html`<p class="notice" role="alert">${text.charAt(0).toUpperCase()}${text.slice(1)}.</p>`
}
