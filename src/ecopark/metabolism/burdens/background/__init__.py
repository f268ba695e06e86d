"""Background systems: what lies behind the goods that a park buys, from a life-cycle database the user brings.

`brightway.read_brightway` reads a Brightway matrix package, `openlca.read_openlca` an openLCA JSON-LD package, and
`opening.open_background` whichever of them it is; both give one `system.Background` with `.intensity(products)` per
impact category. `mapping.read_mapping` reads the user's `background.csv`, which says what product of the background
stands behind which commodity of the park.
"""

from ecopark.metabolism.burdens.background.brightway import read_brightway
from ecopark.metabolism.burdens.background.mapping import Mapped, read_mapping
from ecopark.metabolism.burdens.background.opening import background_for, file_state, open_background
from ecopark.metabolism.burdens.background.openlca import read_openlca
from ecopark.metabolism.burdens.background.system import Background

__all__ = [
    "Background",
    "Mapped",
    "background_for",
    "file_state",
    "open_background",
    "read_brightway",
    "read_mapping",
    "read_openlca",
]
