// The publisher's list. Every book, name and number here is invented.

export interface Book {
  readonly isbn: string
  readonly title: string
  readonly author: string
  readonly subject: string
  readonly year: number
  readonly pages: number
  readonly priceCents: number
  readonly blurb: string
}

export interface Review {
  readonly reader: string
  /** 1 to 5. */
  readonly stars: number
  readonly text: string
}

const rows: readonly (readonly [
  isbn: string,
  title: string,
  author: string,
  subject: string,
  year: number,
  pages: number,
  priceCents: number,
  blurb: string,
])[] = [
  [
    '9781950000012',
    'The Lighthouse Ledger',
    'Ada Marlowe',
    'Novel',
    2024,
    312,
    1990,
    'A keeper writes down every ship that passes, until one night a ship passes twice. A quiet, salty mystery about attention.',
  ],
  [
    '9781950000029',
    'Rivers of Copper',
    'Tomas Lindqvist',
    'History',
    2023,
    448,
    2890,
    'How one metal carried voices across oceans: the telegraph, its gamblers and the clerks who taught the world to be brief.',
  ],
  [
    '9781950000036',
    'Small Machines',
    'Mei Tanaka',
    'Science',
    2025,
    264,
    2450,
    'Forty simple devices, from the water clock to the thermostat, each explained with one drawing and no equation.',
  ],
  [
    '9781950000043',
    'A Field Guide to Fog',
    'Eleanor Whitby',
    'Essays',
    2022,
    188,
    1650,
    'Walks in weather nobody photographs. Eleven essays on moors, harbours and the art of not seeing far.',
  ],
  [
    '9781950000050',
    'The Patient Gardener',
    'Josef Hruby',
    'Nature',
    2021,
    232,
    2100,
    'A year on a slope of bad soil. What grows, what does not, and why waiting is a kind of work.',
  ],
  [
    '9781950000067',
    'Night Trains to Trieste',
    'Lucia Ferrante',
    'Novel',
    2025,
    356,
    2190,
    'Three strangers, one sleeping car and a suitcase that belongs to none of them.',
  ],
  [
    '9781950000074',
    'Bread, Slowly',
    'Amal Haddad',
    'Cooking',
    2024,
    208,
    2690,
    'Twelve loaves, no machine, plenty of time: a baker from Aleppo on flour, water and Tuesday mornings.',
  ],
  [
    '9781950000081',
    'The Cartographer’s Apprentice',
    'Owen Pryce',
    'Novel',
    2023,
    402,
    2050,
    'She was hired to copy coastlines. Then she found the island her master had been careful to leave out.',
  ],
  [
    '9781950000098',
    'Counting to Infinity',
    'Priya Raman',
    'Science',
    2022,
    296,
    2390,
    'Hotels with endless rooms, tortoises nobody overtakes, and other polite ways of meeting the infinite.',
  ],
  [
    '9781950000104',
    'Letters from the Weaving Shed',
    'Martha Kershaw',
    'History',
    2020,
    340,
    2250,
    'Two hundred letters of mill workers, found under a floor: strikes, songs, recipes and the weather.',
  ],
  [
    '9781950000111',
    'Owls of the Northern Wood',
    'Henrik Dahl',
    'Nature',
    2024,
    176,
    3200,
    'A large, silent book with plates of every owl between Bergen and Arkhangelsk.',
  ],
  [
    '9781950000128',
    'The Last Typesetter',
    'Ruth Abramson',
    'Essays',
    2019,
    224,
    1890,
    'On lead, patience and reading upside down, by the woman who set the final page. The print run is sold out; the electronic edition is not.',
  ],
]

/** All books, in the order of the publisher's list. */
export const books: readonly Book[] = rows.map(([isbn, title, author, subject, year, pages, priceCents, blurb]) => ({
  isbn,
  title,
  author,
  subject,
  year,
  pages,
  priceCents,
  blurb,
}))

const opinions: readonly Review[] = [
  { reader: 'Clara', stars: 5, text: 'I missed my stop twice. Then I stayed on the train on purpose.' },
  { reader: 'Edmund', stars: 4, text: 'Well made and beautifully set. One chapter too many about the goat.' },
  { reader: 'Yusuf', stars: 5, text: 'Gave it to my father. He gave it to his sister. I bought another.' },
  { reader: 'Ingrid', stars: 3, text: 'Good company for a rainy week, a little slow on sunny days.' },
  { reader: 'Mateo', stars: 4, text: 'Clear, kind and shorter than it looks. The index is a joy.' },
  { reader: 'Hannah', stars: 5, text: 'The best thing I have read this year, and it is November.' },
  { reader: 'Li Wei', stars: 4, text: 'Read it for the pictures, stayed for the footnotes.' },
]

/** What readers wrote about a book: two or three reviews, always the same ones. */
export function reviewsOf(isbn: string): readonly Review[] {
  const start = Number(isbn.slice(-3)) % opinions.length
  const count = 2 + (Number(isbn.slice(-2, -1)) % 2)
  return Array.from({ length: count }, (_, index) => opinions[(start + index * 2) % opinions.length]).filter(
    (review) => review !== undefined,
  )
}
