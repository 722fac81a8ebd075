import type { NextConfig } from 'next'

const config: NextConfig = {
  poweredByHeader: false,
  // In a folder of another project, Next would take that one for the root.
  turbopack: { root: import.meta.dirname },
}

export default config
