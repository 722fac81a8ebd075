/**
 * A number with commas, as messages have it: `1,048,576`. The same as `toLocaleString('en')` for whole numbers, but the
 * first use of that loads what Node knows of languages: 8 MB of memory, and 10 ms of startup.
 */
export const formatCount = (count: number): string => String(count).replace(/(?<!\.\d*)\B(?=(?:\d{3})+(?!\d))/g, ',')
