"""The words for values that are kept as codes: English sources, translated where they are shown."""

from assets.web.language import N_

CONDITION = {
    "up": N_("Normal"),
    "degraded": N_("Impaired"),
    "down": N_("Down"),
    "unreachable": N_("Unreachable"),
    "off_expected": N_("Outside hours"),
    "unknown": N_("No data"),
}
READINESS = {
    "unable": N_("Cannot serve"),
    "limited": N_("Limited"),
    "unknown": N_("No data"),
    "able": N_("Ready"),
}
# Which of the six shapes and colours a value has (see static/app.css and templates/_shapes.html).
LOOKS = {
    "up": "up", "able": "up", "issued": "up", "resolved": "up", "sent": "up", "good": "up", "works": "up",
    "degraded": "degraded", "limited": "degraded", "warning": "degraded", "acknowledged": "degraded",
    "expired": "degraded", "worn": "degraded", "waiting": "unknown",
    "down": "down", "unable": "down", "critical": "down", "open": "down", "revoked": "down", "broken": "down",
    "failed": "down", "not_issued": "down",
    "unreachable": "unreachable", "suppressed": "off_expected", "off_expected": "off_expected",
    "sending": "unknown", "unknown": "unknown",
}  # fmt: skip
SEVERITY = {"info": N_("Information"), "warning": N_("Warning"), "critical": N_("Critical")}
INCIDENT_STATE = {"open": N_("Open"), "acknowledged": N_("Acknowledged"), "resolved": N_("Resolved")}
INCIDENT_KIND = {
    "device": N_("Device does not answer"),
    "link": N_("Line is down"),
    "application": N_("Application does not answer"),
    "site": N_("Whole centre is cut off"),
    "area": N_("Several centres are cut off"),
    "credential": N_("Device refuses access"),
    "collector": N_("Collector is silent"),
    "channel": N_("Messages cannot be sent"),
    "capability": N_("Account or token"),
    "threshold": N_("Reading beyond its limit"),
    "reported": N_("Reported as broken"),
}
STORY = {
    "opened": N_("Began"),
    "changed": N_("Changed"),
    "acknowledged": N_("Acknowledged"),
    "resolved": N_("Resolved"),
    "worse": N_("Became worse"),
    "noted": N_("Note"),
    "reported": N_("Reported once more"),
}
NOTIFICATION_STATE = {
    "waiting": N_("Waiting to be sent"),
    "sending": N_("Being sent"),
    "sent": N_("Sent"),
    "suppressed": N_("Not sent on purpose"),
    "failed": N_("Could not be sent"),
}
STAGE = {
    "planned": N_("Planned"),
    "ordered": N_("Ordered"),
    "in_stock": N_("In stock"),
    "in_transit": N_("On its way"),
    "in_use": N_("In use"),
    "in_repair": N_("Under repair"),
    "loaned": N_("On loan"),
    "lost": N_("Lost"),
    "awaiting_disposal": N_("Awaiting disposal"),
    "disposed": N_("Disposed of"),
}
PHYSICAL_STATE = {"good": N_("Good"), "worn": N_("Worn"), "broken": N_("Broken")}
# What the register says where nothing measures a thing and nobody spoke of it.
BY_REGISTER = {
    "good": N_("Good (by the register)"),
    "worn": N_("Worn (by the register)"),
    "broken": N_("Broken (by the register)"),
}
LINK_KIND = {
    "dedicated": N_("Dedicated data network"),
    "fibre": N_("Fibre internet"),
    "mobile": N_("Mobile network"),
    "satellite": N_("Satellite"),
}
CAPABILITY_KIND = {
    "account": N_("Account"),
    "authority": N_("Authority"),
    "token": N_("Signing token"),
    "seal": N_("Seal"),
    "training": N_("Training"),
    "manual": N_("Manual"),
}
CUSTODIAN_KIND = {"": N_("Not said"), "person": N_("Person"), "post": N_("Post")}
CAPABILITY_STATUS = {
    "not_issued": N_("Not issued"),
    "waiting": N_("Waiting to be issued"),
    "issued": N_("Issued"),
    "expired": N_("Expired"),
    "revoked": N_("Revoked"),
}
ASSET_EVENT = {
    "registered": N_("Entered in the register"),
    "sent": N_("Sent"),
    "received": N_("Received"),
    "consumable_issued": N_("Consumable put in"),
    "consumable_returned": N_("Consumable given back"),
    "consumable_reversed": N_("Entry about a consumable taken back"),
    "received_damaged": N_("Received damaged"),
    "refused": N_("Sent back"),
    "transfer_cancelled": N_("Transfer cancelled"),
    "replaced": N_("Replaced"),
    "replaces": N_("Put in its place"),
    "reports": N_("Reports itself from now on"),
    "merged": N_("Merged with another record"),
    "unmerged": N_("Separated again from another record"),
    "label_printed": N_("Label printed"),
    "counted": N_("Counted in a stocktake"),
    "repair_quoted": N_("Repair quoted"),
    "file_added": N_("File added"),
    "file_removed": N_("File removed"),
    "fault_reported": N_("Fault reported"),
    "repaired": N_("Repaired"),
    **STAGE,
}
SHIPMENT_STATE = {
    "under_way": N_("On its way"), "received": N_("Received"), "called_back": N_("Called back"),
}  # fmt: skip
TRANSFER_STATE = {
    "draft": N_("Draft"), "in_transit": N_("On its way"), "received": N_("Received"), "refused": N_("Refused"),
    "cancelled": N_("Cancelled"),
}  # fmt: skip
CAUTION = {
    "approves_nothing": N_("Approves nothing by their own role; they would decide in your place all the same."),
    "keeps_the_store": N_("Keeps a store: whoever issues things should not approve them too."),
    "asks_themselves": N_("Asks for equipment themselves; of their own requests they can decide none."),
}
TRANSFER_LINE = {
    "listed": N_("Not sent yet"), "waiting": N_("On its way"), "received": N_("Received"),
    "damaged": N_("Received damaged"), "refused": N_("Sent back"), "missing": N_("Missing"), "cancelled": N_("Cancelled"),
}  # fmt: skip
STOCKTAKE_STATE = {
    "open": N_("Not begun"), "counting": N_("Being counted"), "closed": N_("To be settled and approved"),
    "approved": N_("Approved"),
    "cancelled": N_("Cancelled"),
}  # fmt: skip
STOCKTAKE_RESULT = {
    "pending": N_("Not counted yet"), "found": N_("Found"), "elsewhere": N_("Registered elsewhere"),
    "unknown": N_("Not in the register"), "missing": N_("Missing"),
}  # fmt: skip
SETTLEMENT = {
    "lost": N_("Lost"), "found_after": N_("Found after all"), "accounted": N_("Papers say where it is"),
    "correct": N_("Put the register right"), "leave": N_("The register stays"), "register": N_("To be registered"),
    "foreign": N_("Not ours"),
}  # fmt: skip
DECLARATION = {
    "broken": N_("Reported as broken"),
    "works": N_("Reported as working"),
    "paper_mode": N_("Works on paper"),
}
REQUEST_STATE = {
    "draft": N_("Draft"),
    "submitted": N_("Pending approval"),
    "returned": N_("Returned for more information"),
    "approved": N_("Approved"),
    "in_fulfilment": N_("Being answered"),
    "refused": N_("Refused"),
    "fulfilled": N_("Handed over"),
    "closed": N_("Closed"),
    "withdrawn": N_("Withdrawn"),
}
PHOTO_SIDE = {"giver": N_("When it was handed over"), "receiver": N_("When it was received")}
HAND_OVER_SIDE = {"giver": N_("Handed over by"), "receiver": N_("Received by")}
FULFILMENT_WAY = {
    "stock": N_("From the store"), "transfer": N_("From another site"), "repair": N_("By repair"),
    "purchase": N_("By buying"), "grant": N_("To be issued"), "decline": N_("Not given"),
}  # fmt: skip
PART_STATE = {
    "planned": N_("Planned"), "under_way": N_("Under way"), "done": N_("Done"), "cancelled": N_("Taken back"),
}  # fmt: skip
PURCHASE_STATE = {
    "planned": N_("Planned"), "ordered": N_("Ordered"), "received": N_("All arrived"), "cancelled": N_("Cancelled"),
}  # fmt: skip
METHOD = {
    "snmp": N_("measured by SNMP"),
    "ping": N_("reached by ping"),
    "tcp": N_("reached by TCP"),
    "http": N_("page fetched"),
    "dns": N_("name asked for"),
    "heartbeat": N_("called by itself"),
}
METHOD_NAME = {
    "snmp": N_("SNMP device"), "ping": N_("Ping"), "tcp": N_("TCP port"), "http": N_("Web page"), "dns": N_("Name (DNS)"),
    "heartbeat": N_("Calls by itself"),
}  # fmt: skip
METHOD_HELP = {
    "snmp": N_("Asks a device for what it measures: printers, UPS, routers, switches."),
    "ping": N_("Sends several packets and measures loss, delay and how steady it is; for lines and anything with an address."),
    "tcp": N_("Opens a connection to a port and measures how long that takes."),
    "http": N_("Fetches a page from the centre outward: status, text, time, and until when its certificate is valid."),
    "dns": N_("Asks a name server for a name: whether it answers, what, and how fast."),
    "heartbeat": N_("Nobody asks it: a computer or script calls a secret web address, and is late when it does not."),
}  # fmt: skip
PING_WAY = {
    "auto": N_("ICMP, or TCP where the collector may not send ICMP"), "icmp": N_("ICMP only"),
    "tcp": N_("TCP to a port that must accept"),
}  # fmt: skip
CERTIFICATE_CHECK = {
    "system": N_("checked by the usual authorities"), "own": N_("checked by an own authority"),
    "unchecked": N_("not checked"),
}  # fmt: skip
CREDENTIAL_LEVEL = {
    "0": N_("weak: community"), "1": N_("user without a passphrase"), "2": N_("authenticated, not encrypted"),
    "3": N_("authenticated and encrypted"),
}  # fmt: skip
LIMIT_FIELD = {
    "warning_loss_percent": N_("Warning above this loss (%)"), "critical_loss_percent": N_("Critical above this loss (%)"),
    "warning_ms": N_("Warning above this time (ms)"), "critical_ms": N_("Critical above this time (ms)"),
    "warning_jitter_ms": N_("Warning when the delay changes by more than (ms)"),
    "warning_days": N_("Warning when the certificate ends in fewer days than"),
    "critical_days": N_("Critical when the certificate ends in fewer days than"),
}  # fmt: skip
UNIT_KIND = {
    "commune": N_("Commune"), "ward": N_("Ward"), "special_zone": N_("Special zone"), "township": N_("Township"),
    "district": N_("District"),
}  # fmt: skip
UNIT_CHANGE_KIND = {
    "new": N_("New unit"), "rename": N_("Renamed"), "merge": N_("Merger"), "split": N_("Split"),
    "rearrange": N_("Rearranged"),
}  # fmt: skip
ROOM_KIND = {
    "building": N_("Building"), "floor": N_("Floor"), "area": N_("Area"), "room": N_("Single room"), "counter": N_("Counter"),
    "cabinet": N_("Cabinet"), "shelf": N_("Shelf"), "other": N_("Other place"),
}  # fmt: skip
READING = {
    "printer.error": N_("Printer fault"),
    "printer.status": N_("Printer status"),
    "printer.pages": N_("Pages printed"),
    "supply.percent": N_("Toner or ink left"),
    "receptacle.percent": N_("Waste container"),
    "tray.percent": N_("Paper in tray"),
    "ups.status": N_("Power source"),
    "ups.battery": N_("Battery"),
    "ups.replace_battery": N_("Battery wear"),
    "ups.battery_percent": N_("Battery charge"),
    "ups.runtime_minutes": N_("Time left on battery"),
    "ups.on_battery_seconds": N_("Time on battery so far"),
    "ups.load_percent": N_("UPS load"),
    "ups.output_volts": N_("Output voltage"),
    "ups.input_volts": N_("Mains voltage"),
    "ups.battery_volts": N_("Battery voltage"),
    "ups.battery_celsius": N_("Battery temperature"),
    "ups.alarms": N_("UPS alarms"),
    "memory.used_percent": N_("Memory used"),
    "cpu.load_percent": N_("Processor load"),
    "storage.used_percent": N_("Storage used"),
    "temperature.celsius": N_("Temperature"),
    "interface.oper": N_("Port"),
    "interface.admin": N_("Port switched"),
    "interface.link": N_("Described port"),
    "interface.in_bps": N_("Traffic in"),
    "interface.out_bps": N_("Traffic out"),
    "interface.in_percent": N_("Line use in"),
    "interface.out_percent": N_("Line use out"),
    "ap.count": N_("Access points"),
    "ap.state": N_("Access point"),
    "channel.state": N_("Camera channel"),
    "dhcp.leases": N_("DHCP leases"),
    "disk.state": N_("Disk"),
    "fan.state": N_("Fan"),
    "firmware.update": N_("Firmware update"),
    "ha.sync": N_("Pair in step"),
    "humidity.percent": N_("Humidity"),
    "memory.total_bytes": N_("Memory installed"),
    "part.state": N_("Part of the device"),
    "power.volts": N_("Supply voltage"),
    "power_supply.state": N_("Power supply"),
    "sensor.state": N_("Sensor"),
    "sessions.count": N_("Sessions"),
    "storage.disruption": N_("Recording to storage"),
    "system.state": N_("Whole device"),
    "ups.ambient_celsius": N_("Temperature around the UPS"),
    "volume.state": N_("Storage volume"),
    "wifi.clients": N_("Wi-Fi clients"),
    "link.used_percent": N_("Use of the line's bandwidth"),
    "ping.loss_percent": N_("Packets lost"),
    "ping.delay_ms": N_("Delay, mean"),
    "ping.delay_max_ms": N_("Delay, longest"),
    "ping.jitter_ms": N_("Change of the delay"),
    "tcp.connect_ms": N_("Time to connect"),
    "http.time_ms": N_("Time for everything"),
    "http.connect_ms": N_("Time to connect"),
    "http.tls_ms": N_("Time for encryption"),
    "http.first_octet_ms": N_("Time to the first answer"),
    "http.status": N_("Status of the page"),
    "http.text": N_("Expected text"),
    "http.certificate": N_("Certificate"),
    "http.certificate_days": N_("Certificate is valid for"),
    "http.redirects": N_("Redirects followed"),
    "dns.time_ms": N_("Time to the answer"),
    "dns.answer": N_("Answer of the name server"),
    "dns.answers": N_("Number of answers"),
    "heartbeat.result": N_("Last call"),
    "heartbeat.after_seconds": N_("After the call before"),
}
# What a printer's supply is, and what its level is then called.
SUPPLY = {
    "cartridge": N_("Cartridge"), "toner": N_("Toner cartridge"), "ink": N_("Ink cartridge"), "drum": N_("Drum"),
    "fuser": N_("Fuser"), "transfer": N_("Transfer unit"), "maintenance": N_("Maintenance kit"),
    "tray": N_("Paper tray"),
}  # fmt: skip
SUPPLY_LEFT = {
    "cartridge": READING["supply.percent"], "toner": N_("Toner left"), "ink": N_("Ink left"), "drum": N_("Life left"),
    "fuser": N_("Life left"), "transfer": N_("Life left"), "maintenance": N_("Life left"), "other": N_("Supply left"),
}  # fmt: skip
READING_STATE = {
    "ok": N_("in order"), "unknown": N_("not known"), "running": N_("running"), "warning": N_("warning"),
    "testing": N_("testing"), "down": N_("down"), "up": N_("up"), "dormant": N_("dormant"),
    "not_present": N_("not present"), "lower_layer_down": N_("cable or lower layer down"),
    "low_paper": N_("paper low"), "no_paper": N_("out of paper"), "low_toner": N_("toner low"),
    "no_toner": N_("out of toner"), "door_open": N_("door open"), "jammed": N_("paper jam"),
    "offline": N_("offline"), "service_requested": N_("service needed"),
    "input_tray_missing": N_("input tray missing"), "output_tray_missing": N_("output tray missing"),
    "supply_missing": N_("cartridge missing"), "output_near_full": N_("output nearly full"),
    "output_full": N_("output full"), "input_tray_empty": N_("input tray empty"),
    "overdue_maintenance": N_("maintenance overdue"), "no_restriction": N_("no limit"),
    "some_remaining": N_("some left"), "empty": N_("empty"), "level_without_maximum": N_("some left"),
    "normal": N_("normal"), "low": N_("low"), "depleted": N_("used up"), "replace": N_("to be replaced"),
    "off": N_("off"), "on_line": N_("mains power"), "bypass": N_("bypass"), "on_battery": N_("on battery"),
    "boost": N_("mains too low, raised"), "trim": N_("mains too high, lowered"), "standby": N_("standby"),
    "unavailable": N_("not available"), "broken": N_("broken"), "absent": N_("not present"),
    "available": N_("available"), "degraded": N_("degraded"), "failed": N_("failed"),
    "rebuilding": N_("being rebuilt"), "synchronized": N_("in step"), "unsynchronized": N_("out of step"),
    "expected": N_("as it should be"), "unexpected": N_("another than expected"), "found": N_("found"),
    "missing": N_("missing"), "valid": N_("valid"), "expired": N_("expired"), "not_yet_valid": N_("not valid yet"),
    "wrong_name": N_("made for another name"), "untrusted": N_("of an authority that is not trusted"),
    "unchecked": N_("not checked"), "as_expected": N_("as it should be"), "another_answer": N_("another than expected"),
    "no_answer": N_("none"), "well": N_("all is well"),
}  # fmt: skip
# The last word of a reading's name is its unit.
UNIT = {
    "percent": "%", "bps": "bit/s", "celsius": "°C", "volts": "V", "bytes": "B", "seconds": N_("seconds"),
    "minutes": N_("minutes"), "pages": N_("pages"), "ms": "ms", "days": N_("days"),
}  # fmt: skip
ROLE = {
    "administrator": N_("Administrator"),
    "province_it": N_("Provincial IT"),
    "on_call": N_("On-call engineer"),
    "approver": N_("Approver"),
    "storekeeper": N_("Storekeeper"),
    "accountant": N_("Accountant"),
    "director": N_("Centre director"),
    "clerk": N_("One-stop officer"),
    "inspector": N_("Inspector"),
    "service": N_("Connected program"),
}
# Why no wear is reckoned.
NO_WEAR = {
    "no_cost": N_("original cost not entered"), "no_date": N_("day of use not entered"),
    "not_yet": N_("not in use yet on this day"), "no_rate": N_("no rate for this kind on the day of use"),
    "below_threshold": N_("below the threshold: tools, no fixed asset"),
}  # fmt: skip
BATCH_STATE = {"planned": N_("Planned, nothing changed yet"), "applied": N_("Applied"), "undone": N_("Undone")}
BATCH_ACTION = {
    "create": N_("New"), "change": N_("Will change"), "same": N_("The same"), "refused": N_("Refused"),
}  # fmt: skip
BATCH_DONE = BATCH_ACTION | {"create": N_("Added"), "change": N_("Changed")}
FIELD_KIND = {
    "text": N_("Text"), "integer": N_("Whole number"), "money": N_("Amount in VND"), "date": N_("Date"),
    "boolean": N_("Yes or no"), "choice": N_("Choice of a list"),
}  # fmt: skip
# What is seen of an asset, by whom, and what speaks for two descriptions being of one thing.
OBSERVED_KEY = {
    "serial": N_("Serial number"), "uuid": N_("System UUID"), "manufacturer": N_("Manufacturer"), "model": N_("Model"),
    "hostname": N_("Computer name"), "macs": N_("MAC addresses"), "addresses": N_("IP addresses"),
    "system": N_("Operating system"), "processor": N_("Processor"), "memory": N_("Memory"), "disks": N_("Disks"),
    "monitors": N_("Monitors"), "usb": N_("USB printers and scanners"), "agent": N_("Agent"), "firmware": N_("Firmware"),
}  # fmt: skip
OBSERVED_SOURCE = {"agent": N_("agent on the computer"), "snmp": N_("SNMP")}
IDENTITY_REASON = {
    "same_uuid": N_("the same system UUID"), "same_serial": N_("the same serial number"),
    "same_mac": N_("the same MAC address"), "same_monitor": N_("the same monitor"),
    "same_hostname": N_("the same computer name"), "same_maker": N_("the same manufacturer"),
    "same_model": N_("the same model"), "same_site": N_("at the same site"),
    "other_serial": N_("but another serial number"), "other_uuid": N_("but another system UUID"),
    "other_maker": N_("but another manufacturer"),
}  # fmt: skip
PROPOSAL_KIND = {
    "register": N_("Not registered"), "attach": N_("Computer and asset"), "merge": N_("Two records"),
}  # fmt: skip
PAPER_REASON = {
    "network": N_("No network"), "power": N_("No electricity"), "software": N_("The one-stop software does not work"),
    "equipment": N_("A computer or printer is broken"), "accounts": N_("Accounts or signatures are missing"),
}  # fmt: skip
FAMILY = {"computer": N_("Computers"), "printer": N_("Printers"), "network": N_("Network devices")}
FAULT_PICTURE = {
    "jam": N_("Paper jam"), "toner": N_("Toner"), "paper": N_("Paper"), "streaks": N_("Streaks"),
    "offline": N_("Crossed-out printer"), "power": N_("Power button"), "slow": N_("Hourglass"), "network": N_("Network"),
    "wifi": N_("Wi-Fi"), "lock": N_("Lock"), "screen": N_("Cracked screen"), "keyboard": N_("Keyboard and mouse"),
    "warning": N_("Warning sign"), "scan": N_("Scanner"), "number": N_("Number"), "card": N_("Card"), "token": N_("Token"),
    "battery": N_("Battery"), "camera": N_("Crossed-out camera"), "sound": N_("Loudspeaker"), "fire": N_("Fire"),
    "crack": N_("Crack"), "other": N_("Question mark"),
}  # fmt: skip
PROPOSAL_STATE = {
    "open": N_("Waiting for an answer"), "accepted": N_("Accepted"), "dismissed": N_("Dismissed"),
    "settled": N_("Settled by another answer"), "undone": N_("Undone"),
}  # fmt: skip
SEARCH_KIND = {
    "assets": N_("Assets"),
    "sites": N_("Centres and stores"),
    "administrative-units": N_("Communes and wards"),
    "rooms": N_("Rooms and counters"),
    "links": N_("Network lines"),
    "capabilities": N_("Accounts and tokens"),
    "equipment-requests": N_("Equipment requests"),
    "fulfilment-parts": N_("Answers to requests, in parts"),
    "purchases": N_("Purchases"),
    "incidents": N_("Incidents"),
    "asset-models": N_("Models"),
    "applications": N_("Applications"),
    "users": N_("People"),
}
# What runs out.
REMINDER_KIND = {
    "warranty_end": N_("End of a warranty"), "contract_end": N_("End of a line's contract"),
    "capability_end": N_("End of an account, certificate or token"),
}  # fmt: skip
# On which grounds something may be disposed of.
DISPOSAL_GROUND = {"life_over": N_("useful life is over"), "repair_too_dear": N_("broken, and its repair is too dear")}
SITE_KIND = {"centre": N_("Centre"), "reception_point": N_("Reception point"), "store": N_("Store")}
STOCK_MOVEMENT = {
    "received": N_("Received into stock"),
    "issued": N_("Issued"), "returned": N_("Given back"), "transfer_out": N_("Sent to another site"),
    "transfer_in": N_("Came from another site"), "corrected": N_("Counted"), "discarded": N_("Discarded"),
    "expired": N_("Expired"), "reversed": N_("Opposite entry"),
}  # fmt: skip
STOCK_ACT = {
    "receive": N_("Receive"), "issue": N_("Issue"), "return": N_("Take back unused"), "transfer": N_("Send to another site"),
    "count": N_("Count"), "discard": N_("Discard"), "expire": N_("Take out as expired"),
}  # fmt: skip
CONSUMABLE_KIND = {
    "toner": N_("Toner cartridge"), "ink": N_("Ink cartridge"), "drum": N_("Drum"), "maintenance": N_("Maintenance kit"),
    "paper": N_("Paper"), "label": N_("Labels"), "ribbon": N_("Ribbon"), "token": N_("Signing token"), "battery": N_("Battery"),
    "cable": N_("Cable"), "other": N_("Other consumable"),
}  # fmt: skip
KIT_WHAT = {
    "category": N_("Kind of equipment"), "application": N_("Application"), "capability": N_("Capability"),
    "link": N_("Network line"),
}  # fmt: skip
PER = {
    "site": N_("for each site"),
    "counter": N_("for each counter"),
    "person": N_("for each person"),
    "post": N_("by group"),
}
# What norms count together; the province may add words of its own.
NORM_EQUIPMENT = {
    "computer": N_("Computers"), "printer": N_("Printers"), "scanner": N_("Document scanners"), "shredder": N_("Shredders"),
    "copier": N_("Photocopiers"),
}  # fmt: skip
# Why nobody can say what a site should have.
NO_ALLOWANCE = {
    "no_head_count": N_("no head-count written down"), "no_posts": N_("people by group not written down"),
}  # fmt: skip
# Approval of equipment requests.
APPROVAL_PLACE = {
    "any": N_("Anything that has the centre in it"), "unit": N_("The centre or its unit"),
    "province": N_("The whole province"),
}  # fmt: skip
COST_SOURCE = {
    "none": N_("Not known"), "table": N_("From the table of expected costs"),
    "last_purchase": N_("What the newest one of the kind cost"),
}  # fmt: skip
LINE_KIND = {
    "equipment": N_("Equipment"), "consumable": N_("Consumables"), "capability": N_("Accounts and tokens"),
    "repair": N_("Repairs"),
}  # fmt: skip
DELEGATION_STATE = {
    "coming": N_("Not begun yet"), "running": N_("Holds now"), "over": N_("Over"), "withdrawn": N_("Withdrawn"),
}  # fmt: skip
DAY_KIND = {"holiday": N_("Holiday"), "make_up": N_("Make-up working day")}
APPROVAL_STATE = {
    "done": N_("Approved"), "due": N_("Due now"), "to_come": N_("Still to come"),
    "void": N_("No longer counts: the request was changed"),
}  # fmt: skip
# What the audit log is about, what was done, and the fields of a change.
ACTION = {
    "view": N_("Look at centres, assets and incidents"), "view_system": N_("Look at collectors, channels and messages"),
    "edit_inventory": N_("Change the register"), "receive_transfer": N_("Receive transfers"),
    "edit_places": N_("Change sites"),
    "edit_monitoring": N_("Change what is monitored"), "edit_channels": N_("Change channels and subscriptions"),
    "handle_incident": N_("Take incidents"), "silence": N_("Plan work and silences"), "declare": N_("Report faults"),
    "request_equipment": N_("Ask for equipment"), "view_requests": N_("Look at equipment requests"),
    "decide_request": N_("Decide equipment requests"), "fulfil_request": N_("Hand out from stock"),
    "manage_people": N_("Manage accounts"), "view_audit": N_("Read the audit log"),
    "report_observations": N_("Report measurements"), "report_inventory": N_("Report computers"),
    "print_labels": N_("Print labels"),
    "take_stock": N_("Take stock"), "approve_stocktake": N_("Approve stocktakes"),
    "edit_papers": N_("Change the forms of papers"),
}  # fmt: skip
AUDIT_KIND = {
    "credential_order": N_("List of credentials"),
    "administrative_unit": N_("Administrative unit"), "site": N_("Site"), "room": N_("Room"),
    "head_count": N_("Head-count"), "asset_category": N_("Kind of equipment"), "asset_model": N_("Model"),
    "asset": N_("Asset"), "link": N_("Network line"), "application": N_("Application"),
    "capability": N_("Account or token"), "target": N_("Monitored thing"), "credential": N_("Device credential"),
    "collector": N_("Collector"), "collector_order": N_("Order to a collector"), "declaration": N_("Declaration"),
    "incident": N_("Incident"), "maintenance_window": N_("Planned work"), "silence": N_("Silence"),
    "channel": N_("Channel"), "subscription": N_("Subscription"), "notification": N_("Message"),
    "equipment_request": N_("Equipment request"), "user": N_("Account of a person"), "token": N_("Access token"),
    "wear_rate": N_("Wear rate"), "custom_field": N_("Field of its own"), "batch": N_("Import or edit of many"),
    "saved_filter": N_("Saved filter"),
    "kit": N_("Kit"), "norm": N_("Norm"), "post_count": N_("People by group"), "consumable": N_("Consumable"),
    "stock": N_("Stock of a site"), "stock_movement": N_("Movement of stock"), "stock_shipment": N_("Shipment of a consumable"),
    "transfer": N_("Transfer"),
    "inventory_agent": N_("Agent on a computer"), "observed_value": N_("Observed value"),
    "identity_proposal": N_("Question of identity"),
    "disposal_rule": N_("Rule of disposal"), "repair_quotation": N_("Repair quotation"),
    "reminder_point": N_("Days of reminders"), "attachment": N_("File on a thing"),
    "unit_change": N_("Change of units"),
    "export": N_("File of a list"),
    "label": N_("Labels"), "label_grid": N_("Sheet of labels"),
    "label_printer": N_("Printer of labels"), "stocktake": N_("Stocktake"),
    "counted_state": N_("State that is counted"), "purchase": N_("Purchase"), "paper_form": N_("Form of a paper"),
    "fault_kind": N_("Fault that can be reported"), "fault_report": N_("Reported fault"),
    "signed_address": N_("Signed address"),
    "approval_step": N_("Approval step"), "approval_setting": N_("Settings of approval"),
    "category_cost": N_("Expected cost"), "delegation": N_("Delegation while away"),
    "working_calendar": N_("Working calendar"), "backup": N_("Backup"),
}  # fmt: skip
AUDIT_ACTION = {
    "draw_heartbeat": N_("Secret address drawn"), "revoke_heartbeat": N_("Secret address withdrawn"),
    "renew": N_("Secret replaced"), "reorder": N_("Order changed"),
    "add": N_("Added"), "create": N_("Added"), "register": N_("Entered in the register"), "open": N_("Site opened"),
    "edit": N_("Changed"), "move": N_("Stage or place changed"), "hand_out": N_("Handed out"),
    "count_heads": N_("Head-count noted"), "count_posts": N_("People by group noted"), **STOCK_MOVEMENT,
    "send": N_("Sent"), "receive": N_("Received"), "cancel": N_("Cancelled"), "take_out": N_("Taken out of the transfer"),
    "photograph": N_("Photo of an asset added"),
    "replace": N_("Place taken by another one"),
    "record": N_("Written down"), "change_unit": N_("Came to another unit"),
    "delete": N_("Removed"), "end": N_("Ended"), "declare": N_("Declared"), "acknowledge": N_("Acknowledged"),
    "enrol": N_("Enrolled"), "renew_token": N_("New token"), "revoke": N_("Revoked"), "test": N_("Test message"),
    "order_probe_now": N_("Asked at once"), "order_walk": N_("Read in full"), "order_sweep": N_("Network searched"),
    "order_try_credential": N_("Credential tried"), "file": N_("Draft made"), "amend": N_("Corrected"),
    "submit": N_("Submitted"), "return": N_("Returned for more information"), "approve": N_("Approved"),
    "refuse": N_("Refused"), "withdraw": N_("Withdrawn"), "fulfil": N_("Handed over"), "close": N_("Closed"),
    "confirm": N_("Hand-over confirmed"), "finish": N_("Part done"),
    "split": N_("Arranged"), "take_back": N_("Part taken back"), "order": N_("Ordered from the supplier"),
    "arrive": N_("Came in"),
    "sign_in": N_("Signed in"), "sign_out": N_("Signed out"), "end_session": N_("Session ended"),
    "change_password": N_("Password changed"), "initial_password": N_("New initial password"),
    "enrol_second_factor": N_("Second factor set up"), "show_second_factor": N_("Second factor shown"),
    "use_recovery_code": N_("Recovery code used"), "remove_second_factor": N_("Second factor removed"),
    "quote": N_("Quotation written down"), "attach_file": N_("File added"), "remove_file": N_("File removed"),
    "give_grant": N_("Role given"), "end_grant": N_("Role ended"), "export": N_("Exported"),
    "plan_batch": N_("Planned"), "apply_batch": N_("Applied"), "undo_batch": N_("Undone"), "unregister": N_("Taken back"),
    "attach": N_("Computer and asset put together"), "keep": N_("Record kept"), "accept": N_("Accepted"),
    "dismiss": N_("Dismissed"), "undo": N_("Undone"), "merge": N_("Merged"), "unmerge": N_("Separated again"),
    "report": N_("Fault reported"), "resolve": N_("Mended"), "issue": N_("Issued"), "use": N_("Used"),
    "print": N_("Printed"), "scan": N_("Counted"), "settle": N_("Settled"), "open_stocktake": N_("Stocktake opened"),
    "restore": N_("Restored"), "put_template": N_("Own template put in"), "remove_template": N_("Own template taken out"),
}  # fmt: skip
AUDIT_FIELD = {
    "absent": N_("Absent (sign-in name)"), "absent_name": N_("Absent"), "age": N_("Against target"),
    "cost_source": N_("Cost of a line that says none"), "deputy": N_("Stands in (sign-in name)"),
    "deputy_name": N_("Stands in"), "due_since": N_("Waiting since"), "due_step": N_("Approval step that is due"),
    "from_on": N_("First day"), "until_on": N_("Last day"), "from_user": N_("Absent"), "to_user": N_("Stands in"),
    "from_value": N_("From a value of (VND)"), "fulfil_hours": N_("Target of the stores (working hours)"),
    "given_by_me": N_("Given by oneself"), "hours": N_("Target (working hours)"),
    "if_unknown": N_("Also when the value is not known"), "late_hours": N_("Working hours overdue"),
    "person": N_("Person"), "place": N_("Given over"),
    "reminded": N_("Reminders"), "round": N_("Time of asking"),
    "roles": N_("Roles"), "same_person": N_("One person may decide several steps"), "seat": N_("Distance measured from"),
    "shifts": N_("Working hours"), "target_at": N_("To be done by"), "target_hours": N_("Target (working hours)"),
    "unit_cost": N_("Expected cost (VND)"), "value_known": N_("Value known in full"),
    "waited_hours": N_("Working hours waited"), "waiting_for_me": N_("Waiting for me"),
    "picture": N_("Picture"), "families": N_("For families of equipment"), "position": N_("Position in the list"),
    "asset_name": N_("Name of the asset"), "fault": N_("Fault"), "photo": N_("Photo"), "incident": N_("Incident"),
    "incident_state": N_("State of the incident"), "purpose": N_("Purpose"), "issued_at": N_("Issued at"),
    "withdrawn_at": N_("Withdrawn at"), "withdrawn_by": N_("Withdrawn by"), "withdrawn_by_name": N_("Withdrawn by"),
    "issued_by_name": N_("Issued by"), "uses": N_("Times used"),
    "last_used_by": N_("Last used by"), "signed_address": N_("Signed address"),
    "issuer": N_("Issuing body"), "number_pattern": N_("Number and sign of the paper"),
    "addressee": N_("Addressee"), "legal_basis": N_("Legal basis"), "opening": N_("Opening sentence"),
    "closing": N_("Closing sentence"), "signatories": N_("Titles of those who sign"), "recipients": N_("Recipients"),
    "unit_of_measure": N_("Unit of measure"), "template": N_("Template"), "changed_by": N_("Changed by"),
    "changed_at": N_("Changed at"),
    "query": N_("What the list is asked"), "shared": N_("Shared with everybody"),
    "own": N_("One's own"), "problem": N_("Why it no longer fits"), "owner": N_("Owner"),
    "borrower": N_("Borrower"), "due_back": N_("Due back on"), "repairer": N_("Repaired by"),
    "quotation": N_("Quotation"), "from_site": N_("Sending site"), "to_site": N_("Receiving site"),
    "from_code": N_("Sending site"), "from_name": N_("Sending site"), "to_code": N_("Receiving site"),
    "to_name": N_("Receiving site"), "decision_number": N_("Decision number"), "decision_date": N_("Decision date"),
    "expected_on": N_("Expected on"), "sent_by": N_("Sent by"), "sent_at": N_("Sent at"), "ended_by": N_("Ended by"),
    "acknowledged_at": N_("Acknowledged at"), "acknowledged_by": N_("Acknowledged by"), "actions": N_("Permissions"),
    "active": N_("Active"), "address": N_("Address"), "agent": N_("Browser"), "days": N_("Days"),
    "must_change": N_("Password to be changed"), "password_until": N_("Initial password until"),
    "totp_since": N_("Second factor since"), "application": N_("Application"),
    "approved": N_("Approved quantities"), "area_km2": N_("Area (km²)"), "as_of": N_("As of"), "asset": N_("Asset"),
    "assets": N_("Assets"), "bandwidth_mbps": N_("Bandwidth (Mbit/s)"), "carrier": N_("Carrier"),
    "category": N_("Kind of equipment"), "change": N_("Change"), "channel": N_("Channel"),
    "circuit_number": N_("Circuit number"), "code": N_("Code"), "collector": N_("Collector"),
    "confirm": N_("Confirmations"), "covers_rest": N_("All other sites"), "created_by": N_("Made by"),
    "credential": N_("Device credential"), "custodian": N_("Person in charge"), "deadline": N_("Deadline"),
    "decided_at": N_("Decided at"), "decided_by": N_("Decided by"), "decision_note": N_("Decision note"),
    "display_name": N_("Displayed name"), "email": N_("E-mail"), "enabled": N_("Switched on"),
    "ended_at": N_("Ended at"), "ends_at": N_("Ends at"), "expires_at": N_("Valid until"),
    "expires_on": N_("Valid until"), "failing_since": N_("Failing since"), "files_counted": N_("Files counted"),
    "filter": N_("Filter"), "rows": N_("Number of rows"), "taken_at": N_("Backup of"),
    "former_province": N_("Former province"), "fulfilled_at": N_("Handed over at"), "given": N_("Given quantities"),
    "holder_post": N_("Post of the holder"), "hotline": N_("Hotline"), "interval_seconds": N_("Interval (seconds)"),
    "is_primary": N_("Main line"), "kind": N_("Kind"), "kinds": N_("Kinds"), "language": N_("Language"),
    "last_error": N_("Last error"), "latitude": N_("Latitude"), "lines": N_("Lines of the request"),
    "link": N_("Network line"), "longitude": N_("Longitude"), "manufacturer": N_("Manufacturer"),
    "method": N_("Method"), "model": N_("Model"), "name": N_("Designation"), "name_en": N_("English name"),
    "needs_account": N_("Needs an account"), "network": N_("Network"), "note": N_("Note"),
    "notifications": N_("Messages"), "number": N_("Number"), "open": N_("In operation"), "original_cost": N_("Original cost"),
    "owner_office": N_("Office that owns it"), "parent": N_("Stands behind"), "people": N_("Number of people"),
    "phone": N_("Telephone"), "physical_state": N_("Physical state"), "physical_state_at": N_("Physical state seen at"),
    "port": N_("Port"), "post": N_("Post"), "profile": N_("Probe profile"), "province_code": N_("Province code"),
    "put_into_use": N_("Put into use"), "quantities": N_("Quantities"), "reason": N_("Reason"),
    "requested_by": N_("Requested by"), "revoked_at": N_("Revoked at"), "role": N_("Role"), "room": N_("Room"),
    "root": N_("Subtree"), "said_at": N_("Said at"), "said_by": N_("Said by"), "said_by_name": N_("Said by"),
    "scheme": N_("Type of channel"), "serial": N_("Serial number"), "serves": N_("Serves as"),
    "severity": N_("Severity"), "since": N_("Valid from"), "site": N_("Site"), "sites": N_("Sites"), "stage": N_("Stage"),
    "starts_at": N_("Begins at"), "state": N_("State"), "status": N_("State"), "submitted_at": N_("Sent at"),
    "tag": N_("Tag"), "target": N_("Monitored thing"), "text": N_("Text"), "title": N_("Title"),
    "threshold": N_("Fixed asset from"), "token_prefix": N_("Beginning of the token"), "unit": N_("Unit"),
    "valid_from": N_("In force from"), "warranty_until": N_("Warranty until"), "web_address": N_("Web address"),
    "macs": N_("MAC addresses"), "addresses": N_("Network addresses"), "custodian_kind": N_("In charge is a"),
    "supplier": N_("Supplier"), "funding_source": N_("Funding source"), "purchased_on": N_("Purchased on"),
    "national_code": N_("Code in the national database"), "custom": N_("Fields of its own"),
    "expected_months": N_("Expected life (months)"), "near_end": N_("Near end"), "far_end": N_("Far end"),
    "contract_number": N_("Contract number"), "contract_until": N_("Contract until"),
    "monthly_cost": N_("Cost a month"), "required": N_("Must be filled in"), "deprecated": N_("No longer used"),
    "choices": N_("Choices"), "sort": N_("Order"), "counts": N_("Counts"), "resource": N_("List"),
    "applied_at": N_("Applied at"), "undone_at": N_("Undone at"),
    "device_id": N_("Identifier of the agent"), "software": N_("Software"), "first_seen_at": N_("First seen"),
    "kept_at": N_("Record kept at"), "kept_by": N_("Record kept by"), "merged_into": N_("Merged into"),
    "other": N_("Other asset"), "other_tag": N_("Tag of the other asset"), "asset_tag": N_("Tag of the asset"),
    "made_at": N_("Asked at"), "score": N_("How much speaks for it"),
    "whole_unit": N_("All sites of its unit"), "form_number": N_("Line with the number of the form"),
    "members": N_("Who takes part"), "opened_by_name": N_("Opened by"), "closed_at": N_("Closed at"),
    "closed_by_name": N_("Closed by"), "approved_at": N_("Approved at"), "approved_by_name": N_("Approved by"),
    "preset": N_("Sheet or tape"), "offset_x": N_("Move right (mm)"), "offset_y": N_("Move down (mm)"),
    "page_width": N_("Page: width (mm)"), "page_height": N_("Page: height (mm)"),
    "margin_left": N_("From the left edge (mm)"), "margin_top": N_("From the upper edge (mm)"),
    "label_width": N_("Label: width (mm)"), "label_height": N_("Label: height (mm)"),
    "pitch_x": N_("From label to label across (mm)"), "pitch_y": N_("From label to label down (mm)"),
    "across": N_("Labels across"), "down": N_("Labels down"),
    "agency_code": N_("Identification code"), "closed_reason": N_("Why it is closed"),
    "decided_on": N_("Day of the decision"),
    "effective_on": N_("Takes effect on"), "former_district": N_("Former district"), "issued_by": N_("Issued by"),
    "predecessors": N_("Units before"), "recorded_at": N_("Written down at"), "successors": N_("Units after"),
    "years": N_("Useful life (years)"), "rate": N_("Yearly rate (0.01 %)"), "source": N_("Written in"),
    "site_kind": N_("Kind of site"), "unit_kind": N_("Kind of unit"), "is_example": N_("Example only"),
    "equipment": N_("Counted together as"), "categories": N_("Kinds of equipment"), "quantity": N_("Quantity"),
    "per": N_("Counted by"), "every": N_("For every"), "post_group": N_("Post group"), "price_max": N_("Highest price"),
    "one_stop": N_("One-stop equipment"), "valid_to": N_("In force until"), "verified": N_("Held against the text"),
    "minimum": N_("Lowest stock"), "models": N_("Fits the models"), "stock": N_("Stock of a site"),
    "consumable": N_("Consumable"), "balance": N_("Left afterwards"), "batch": N_("Batch"), "holder": N_("Issued to"),
    "other_site": N_("Other site"), "transfer": N_("Identifier of the transfer"), "reverses": N_("Takes back the line"),
    "actor": N_("Identifier of the person"), "actor_name": N_("Who"), "at": N_("When"),
    "file": N_("File"),
    "repair_percent": N_("Share of the original cost (%)"), "amount": N_("Amount (VND)"),
    "quoted_on": N_("Day of the quotation"), "written_by": N_("Written by"), "written_at": N_("Written at"),
}  # fmt: skip
# Headings of exported lists: the fields of the API beside those of the audit log, and those that mean something else there.
FIELD = {
    "opened_on": N_("Opened on"), "parent_name": N_("Inside"),
    "opened_by": N_("Opened by"), "closed_by": N_("Closed by"), "approved_by": N_("Approved by"), "expected": N_("Expected"),
    "found": N_("Found"), "elsewhere": N_("Registered elsewhere"), "pending": N_("Not counted yet"),
    "unsettled": N_("Not settled yet"), "stocktake": N_("Stocktake"), "result": N_("Result"),
    "counted_state": N_("State that is counted"), "counted_room": N_("Found in"), "counted_at": N_("Counted at"),
    "counted_by": N_("Counted by"), "scans": N_("Scans"), "settlement": N_("What follows"), "settled_note": N_("Why"),
    "settled_by": N_("Settled by"), "registered_site": N_("Registered at now"),
    "id": N_("Identifier"), "version": N_("Version"), "unit_code": N_("Unit code"), "unit_name": N_("Unit"),
    "people_as_of": N_("Counted on"), "roles": N_("Roles"), "grants": N_("Roles and places"),
    "has_password": N_("Has a password"), "must_change_password": N_("Password to be changed"),
    "second_factor_since": N_("Second factor since"), "second_factor": N_("Second factor"), "last_seen_at": N_("Last seen"),
    "created_at": N_("Made at"), "user": N_("Account"), "prefix": N_("Beginning of the token"),
    "last_used_at": N_("Last used at"),
    "action": N_("What"), "subject_kind": N_("What kind of thing"), "subject": N_("Identifier of the thing"),
    "subject_name": N_("Thing"), "before": N_("Before"), "after": N_("After"), "origin": N_("From where"),
    "request": N_("Part of"), "digest": N_("Digest"), "site_name": N_("Name of the site"),
    "wan_router": N_("Router that the line ends at"), "wan_interface": N_("Interface that the line ends at"),
    "budget_mb_per_day": N_("Budget of watching (MB a day)"),
    "pace_seconds": N_("Asked each (seconds)"), "answered_to": N_("Credential that it answers to"),
    "credential": N_("Chosen credential"), "ping": N_("Settings of ping"), "tcp": N_("Settings of the port"),
    "http": N_("Settings of the page"), "dns": N_("Settings of the name"), "heartbeat": N_("Settings of its calls"),
    "level": N_("How strong"), "user_name": N_("User"), "auth": N_("Authentication"), "privacy": N_("Encryption"),
    "places": N_("In lists"), "devices": N_("Devices that answer to it"), "octets": N_("Octets"), "packets": N_("Packets"),
    "looks": N_("Looks"), "day": N_("Day"), "targets": N_("Targets that name it"),
    "condition": N_("Condition"), "cause": N_("Cause"), "flapping": N_("Changes too often"),
    "observed_at": N_("Seen at"), "outcome": N_("Outcome"), "latency_ms": N_("Answer time (ms)"),
    "enrolled_at": N_("Enrolled at"), "last_contact_at": N_("Last contact"), "silent_since": N_("Silent since"),
    "skew_seconds": N_("Clock difference (seconds)"), "backlog": N_("Not yet sent"),
    "shed": N_("Dropped for lack of space"), "rejected": N_("Rejected measurements"), "opened_at": N_("Opened at"),
    "resolved_at": N_("Resolved at"), "resolution": N_("How it ended"), "affected": N_("Things affected"),
    "channel_name": N_("Name of the channel"), "incident_id": N_("Identifier of the incident"),
    "next_attempt_at": N_("Next attempt"), "attempts": N_("Attempts"), "sent_at": N_("Sent at"), "error": N_("Error"),
    "site_id": N_("Identifier of the site"), "readiness": N_("Readiness"), "computed_at": N_("Judged at"),
    "reasons": N_("Reasons"), "holder": N_("Now with"), "next": N_("Next step"), "yearly": N_("Wear a year"),
    "hostname": N_("Computer name"), "inventory_at": N_("Inventory of"), "key": N_("What"), "value": N_("Seen"),
    "recorded": N_("Recorded"), "differs": N_("Differs"), "seen_at": N_("Seen at"), "takeable": N_("Can be taken over"),
    "accumulated": N_("Accumulated wear"), "remaining": N_("Remaining value"), "worn_out": N_("Worn out"),
    "kit": N_("Kit"), "allowance": N_("Should or may have"), "present": N_("There"), "broken": N_("Of these broken"),
    "missing": N_("Missing"), "over": N_("Over"), "short": N_("Missing or broken"), "unknown": N_("Why not reckoned"),
    "counters": N_("Counters"), "what": N_("What it is"), "apart": N_("At counters, apart"),
    "above_price": N_("Above the highest price"), "sources": N_("Written in"), "own_minimum": N_("Lowest stock of the site"),
    "low": N_("Low"), "expires_first": N_("Expires first"), "reversed_by": N_("Taken back by the line"),
    "age_days": N_("Days under way"),
    "fixed_asset": N_("Fixed asset"), "grounds": N_("Grounds"), "quotation": N_("Repair quotation"),
    "media_type": N_("Type of file"), "size": N_("Size (bytes)"), "sha256": N_("Digest (SHA-256)"),
    "added_by": N_("Added by"), "added_at": N_("Added at"), "removed_by": N_("Removed by"), "removed_at": N_("Removed at"),
    "quotation_supplier": N_("Supplier"), "ends_on": N_("Ends on"), "days_left": N_("Days left"),
    "told_point": N_("Last reminder at (days before)"), "told_at": N_("Last reminder"), "next_on": N_("Next reminder"),
}  # fmt: skip
FIELD_OF = {
    **{("imports", name): text for name, text in BATCH_ACTION.items()}, ("imports", "made_by"): N_("Made by"),
    ("imports", "kept"): N_("Changed since"), ("imports", "kept_keys"): N_("Which were changed since"),
    ("imports", "new_models"): N_("New models"), ("imports", "fonts"): N_("Typed for the fonts"),
    ("equipment-requests", "value"): N_("Reckoned value (VND)"), ("category-costs", "name"): N_("Name of the kind"),
    ("stocktakes", "cancelled_at"): N_("Cancelled at"), ("stocktakes", "cancelled_by"): N_("Cancelled by"),
    ("stocktakes", "cancel_reason"): N_("Why it was cancelled"),
    ("stocktakes", "unknown"): N_("Not in the register"), ("stocktakes", "missing"): N_("Missing"),
    ("stocktake-items", "expected"): N_("On the list"),
    ("users", "name"): N_("Sign-in name"), ("readiness", "since"): N_("Since"), ("targets", "since"): N_("Since"),
    ("audit-events", "reason"): N_("Why"), ("transfers", "from_name"): N_("Name of the sending site"),
    ("transfers", "to_name"): N_("Name of the receiving site"), ("transfers", "carrier"): N_("Brought by"),
    ("transfers", "lines"): N_("Assets"), ("transfers", "ended_at"): N_("Ended at"),
    **{(resource, name): said for resource in ("differences", "observed-values") for name, said in (
        ("source", N_("Seen by")), ("since", N_("Since")))},
    ("rooms", "parent"): N_("Identifier of what it is in"), ("rooms", "name"): N_("Name of the room"),
    ("administrative-units", "valid_to"): N_("Until before"),
    **{("fulfilment-parts", name): said for name, said in (
        ("request", N_("Equipment request")), ("position", N_("Line")), ("name", N_("What")), ("way", N_("How")),
        ("done", N_("Arrived")), ("from_site", N_("From the site")), ("from_name", N_("Name of the sending site")),
        ("transfer", N_("Transfer")), ("purchase", N_("Purchase")), ("finish", N_("To be ended by hand")),
        ("shipment", N_("Shipment of a consumable")), ("take_back", N_("Can be taken back")),
        ("created_by", N_("Arranged by")), ("ended_at", N_("Ended at")))},
    ("stock-shipments", "from_name"): N_("Name of the sending site"), ("stock-shipments", "got"): N_("Arrived"),
    ("stock-shipments", "to_name"): N_("Name of the receiving site"), ("stock-shipments", "acts"): N_("Can be done"),
    ("stock-shipments", "ended_at"): N_("Ended at"), ("stock", "under_way"): N_("On its way"),
    **{("purchases", name): said for name, said in (
        ("title", N_("What")), ("decision_number", N_("Number of the decision or contract")),
        ("expected_on", N_("Expected on")), ("created_by", N_("Made by")), ("ordered_at", N_("Ordered at")),
        ("ended_at", N_("Ended at")), ("pieces", N_("Number of pieces")), ("arrived", N_("Arrived")),
        ("sites", N_("Number of sites")))},
}  # fmt: skip
NOT_ASKED = {  # as probing.allowed says it
    "Nothing is asked at addresses that tell secrets of a machine in a cloud.":
        N_("Nothing is asked at addresses that tell secrets of a machine in a cloud."),
    "This is no address of a single device.": N_("This is no address of a single device."),
    "This address is closed to questions by the settings of the collector.":
        N_("This address is closed to questions by the settings of the collector."),
    "Pages of the collector's own machine are looked at only if its settings say so.":
        N_("Pages of the collector's own machine are looked at only if its settings say so."),
    "Addresses that hold on one cable only are asked only if the settings of the collector say so.":
        N_("Addresses that hold on one cable only are asked only if the settings of the collector say so."),
}  # fmt: skip
TABLES = {
    "not_asked": NOT_ASKED,
    "condition": CONDITION, "readiness": READINESS, "severity": SEVERITY, "incident_state": INCIDENT_STATE,
    "incident_kind": INCIDENT_KIND, "story": STORY, "notification_state": NOTIFICATION_STATE, "stage": STAGE,
    "physical_state": PHYSICAL_STATE, "link_kind": LINK_KIND, "capability_kind": CAPABILITY_KIND,
    "capability_status": CAPABILITY_STATUS, "declaration": DECLARATION, "asset_event": ASSET_EVENT,
    "request_state": REQUEST_STATE, "fulfilment_way": FULFILMENT_WAY, "hand_over_side": HAND_OVER_SIDE, "photo_side": PHOTO_SIDE,
    "part_state": PART_STATE,
    "purchase_state": PURCHASE_STATE, "method": METHOD, "method_name": METHOD_NAME, "method_help": METHOD_HELP,
    "ping_way": PING_WAY, "certificate_check": CERTIFICATE_CHECK, "credential_level": CREDENTIAL_LEVEL,
    "limit_field": LIMIT_FIELD, "unit_kind": UNIT_KIND, "reading": READING,
    "reading_state": READING_STATE, "role": ROLE, "by_register": BY_REGISTER, "supply": SUPPLY,
    "supply_left": SUPPLY_LEFT, "site_kind": SITE_KIND, "audit_kind": AUDIT_KIND, "audit_action": AUDIT_ACTION,
    "audit_field": AUDIT_FIELD, "action": ACTION, "no_wear": NO_WEAR,
    "stocktake_state": STOCKTAKE_STATE,
    "stocktake_result": STOCKTAKE_RESULT, "settlement": SETTLEMENT, "custodian_kind": CUSTODIAN_KIND,
    "search_kind": SEARCH_KIND,
    "batch_state": BATCH_STATE, "batch_action": BATCH_ACTION, "batch_done": BATCH_DONE, "field_kind": FIELD_KIND,
    "stock_movement": STOCK_MOVEMENT, "consumable_kind": CONSUMABLE_KIND, "kit_what": KIT_WHAT, "per": PER,
    "no_allowance": NO_ALLOWANCE, "stock_act": STOCK_ACT, "norm_equipment": NORM_EQUIPMENT,
    "caution": CAUTION,
    "transfer_state": TRANSFER_STATE, "shipment_state": SHIPMENT_STATE, "transfer_line": TRANSFER_LINE,
    "observed_key": OBSERVED_KEY, "observed_source": OBSERVED_SOURCE, "identity_reason": IDENTITY_REASON,
    "proposal_kind": PROPOSAL_KIND, "proposal_state": PROPOSAL_STATE, "paper_reason": PAPER_REASON,
    "disposal_ground": DISPOSAL_GROUND, "reminder_kind": REMINDER_KIND,
    "family": FAMILY, "fault_picture": FAULT_PICTURE,
    "unit_change_kind": UNIT_CHANGE_KIND, "room_kind": ROOM_KIND,
    "approval_place": APPROVAL_PLACE, "cost_source": COST_SOURCE, "line_kind": LINE_KIND,
    "delegation_state": DELEGATION_STATE, "day_kind": DAY_KIND, "approval_state": APPROVAL_STATE,
}  # fmt: skip


def word(table: str, code: str) -> str:
    """The English source of a code's word; a code without one is shown as it is, with its underscores as spaces."""
    return TABLES[table].get(code) or code.replace("_", " ")


def field(resource: str, name: str) -> str:
    """The English source of a heading: a field of a list, by the name that the API has for it."""
    return FIELD_OF.get((resource, name)) or FIELD.get(name) or AUDIT_FIELD[name]


def unit(reading: str) -> str:
    """The English source of a reading's unit, from the end of its name; nothing for a state or a count."""
    return UNIT.get(reading.replace(".", "_").rpartition("_")[2], "")
