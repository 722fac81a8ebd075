export { Building as Page } from '../../app/fallbacks.tsx'
