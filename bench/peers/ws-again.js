/** The A/A control: the same program as plain-ws under another name. What differs between the two is noise. */
import './plain-ws.js';
