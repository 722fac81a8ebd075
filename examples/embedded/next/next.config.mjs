/** @type {import('next').NextConfig} */
export default {
  // Posthorn starts threads from its own files: it is loaded as it is installed, and not bundled.
  serverExternalPackages: ['posthorn'],
  // The dashboard is at /hooks/.
  skipTrailingSlashRedirect: true,
  // Compression would hold back what streams send.
  compress: false,
}
