/**
 * The styles of the kit that the first page needs, in a file that is imported before all others: of two classes of an
 * element, the later one in the files wins, and that has to be the one of the page.
 */
import './text.module.css'
import './popup.module.css'
import './button.module.css'
import './badge.module.css'
import './code.module.css'
import './surfaces.module.css'
import './toast.module.css'
import './field.module.css'
import './filter-bar.module.css'
import './chart.module.css'
