"""Dated facts with their sources (factors, schemes, gases, regions) and their look-up.

`load_catalogue()` reads the data files once; `Catalogue.scheme(id)` gives an accounting scheme; `FactorLookup` chooses
the factor that applies to a stream in a year and records why.
"""

from ecopark.catalogue.loading import Catalogue, load_catalogue
from ecopark.catalogue.lookup import Choice, FactorLookup, Missing, Request
from ecopark.catalogue.schemes import Scheme

__all__ = ["Catalogue", "Choice", "FactorLookup", "Missing", "Request", "Scheme", "load_catalogue"]
