const GIVEN = [
  'Ada',
  'Bao',
  'Chidi',
  'Dana',
  'Elif',
  'Farid',
  'Grete',
  'Hana',
  'Iker',
  'Jun',
  'Kofi',
  'Lucía',
  'Mira',
]
const FAMILY = [
  'Abara',
  'Berg',
  'Castro',
  'Doğan',
  'Evans',
  'Fujita',
  'Gupta',
  'Haas',
  'Ivanova',
  'Jansen',
  'Kaya',
]
const CITIES = [
  'Lagos',
  'Lima',
  'Łódź',
  'Malmö',
  'Nagoya',
  'Oslo',
  'Porto',
  'Quito',
  'Riga',
  'Seoul',
  'Tunis',
  '東京',
]
const GOODS = ['kettle', 'lamp', 'teapot', 'bicycle bell', 'notebook', 'umbrella', 'chess set', 'bread knife']

export interface Order {
  readonly key: string
  readonly value: string
}

/** `count` orders of a made-up shop, the same in every run; `first` numbers them. */
export function makeOrders(first: number, count: number): Order[] {
  return Array.from({ length: count }, (_, i) => {
    const number = first + i
    const order = {
      customer: `${pick(GIVEN, number, 7)} ${pick(FAMILY, number, 13)}`,
      city: pick(CITIES, number, 5),
      article: pick(GOODS, number, 3),
      pieces: 1 + (number % 4),
      cents: 500 + ((number * 7919) % 90_000),
    }
    return { key: `order:${String(number).padStart(6, '0')}`, value: JSON.stringify(order) }
  })
}

function pick(list: readonly string[], number: number, step: number): string {
  return list[(number * step + Math.floor(number / list.length)) % list.length] as string
}
