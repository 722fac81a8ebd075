export { Building as Detail } from '../../app/fallbacks.tsx'
