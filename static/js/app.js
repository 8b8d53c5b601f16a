/* Starts the behaviours. Each listens on the document, so parts that htmx swaps in need no second start. */
import "./menus.js";
import "./keys.js";
import "./forms.js";
import "./trouble.js";
import "./viewer.js";
import "./beside.js";
import "./print.js";
import "./resume.js";
import "./security-key.js";
import { startCounts } from "./counts.js";
import { startGlass } from "./glass.js";
import { startGone } from "./gone.js";
import { startIdle } from "./idle.js";
import { startPassword } from "./password.js";
import { startUpload } from "./upload.js";

startIdle();
startUpload();
startCounts();
startGlass();
startGone();
startPassword();
