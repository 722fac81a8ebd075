/** A file that can't be a logo. The message says why, and what to do. */
export class LogoRefused extends Error {}
