"""ninefold: teach vision-language models where things are, and prove it.

The public API: typed functions and classes. Each is imported on first use, which keeps ``import ninefold`` fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ninefold.version import __version__ as __version__

if TYPE_CHECKING:
    from ninefold.api import demo as demo
    from ninefold.api import evaluate as evaluate
    from ninefold.api import export_adapter as export_adapter
    from ninefold.api import list_models as list_models
    from ninefold.api import load_model as load_model
    from ninefold.api import probe as probe
    from ninefold.api import report_study as report_study
    from ninefold.api import run_study as run_study
    from ninefold.api import score as score
    from ninefold.api import train as train
    from ninefold.api import write_report as write_report
    from ninefold.captions.api import check_geometry as check_geometry
    from ninefold.captions.api import merge_captions as merge_captions
    from ninefold.captions.api import run_captions as run_captions
    from ninefold.captions.engines.catalog import register_engine as register_engine
    from ninefold.captions.spec import CaptionsIn as CaptionsIn
    from ninefold.captions.spec import CaptionsSpec as CaptionsSpec
    from ninefold.captions.spec import ChecksSpec as ChecksSpec
    from ninefold.data.api import export as export
    from ninefold.data.api import leakage as leakage
    from ninefold.data.api import make as make
    from ninefold.data.api import open_dataset as open_dataset
    from ninefold.data.api import overlap as overlap
    from ninefold.data.api import verify as verify
    from ninefold.data.export.spec import ExportSpec as ExportSpec
    from ninefold.data.format.dataset import Dataset as Dataset
    from ninefold.data.sources.benchmarks.realworldqa import RealWorldQaSpec as RealWorldQaSpec
    from ninefold.data.sources.benchmarks.threedsrbench import ThreeDsrBenchSpec as ThreeDsrBenchSpec
    from ninefold.data.sources.benchmarks.vsr import VsrSpec as VsrSpec
    from ninefold.data.sources.benchmarks.whatsup import WhatsUpSpec as WhatsUpSpec
    from ninefold.data.sources.catalog import register_source as register_source
    from ninefold.data.sources.coco.flawed import FlawedSpec as FlawedSpec
    from ninefold.data.sources.coco.general import GeneralSpec as GeneralSpec
    from ninefold.data.sources.coco.relations import RelationsSpec as RelationsSpec
    from ninefold.data.sources.coco.source import CocoSpec as CocoSpec
    from ninefold.data.sources.descriptions import DescriptionsSpec as DescriptionsSpec
    from ninefold.data.sources.protocol import Source as Source
    from ninefold.data.sources.protocol import Split as Split
    from ninefold.data.sources.synthetic import SyntheticSpec as SyntheticSpec
    from ninefold.errors import DataError as DataError
    from ninefold.errors import DesignError as DesignError
    from ninefold.errors import FactError as FactError
    from ninefold.errors import ModelError as ModelError
    from ninefold.errors import NinefoldError as NinefoldError
    from ninefold.errors import PluginError as PluginError
    from ninefold.errors import RunError as RunError
    from ninefold.evaluation.probing.spec import ProbeSpec as ProbeSpec
    from ninefold.evaluation.spec import EvaluateSpec as EvaluateSpec
    from ninefold.models.export.spec import AdapterExportSpec as AdapterExportSpec
    from ninefold.models.protocol import Model as Model
    from ninefold.models.registry import Fitted as Fitted
    from ninefold.models.registry import register_model as register_model
    from ninefold.models.spec import ModelSpec as ModelSpec
    from ninefold.nano.spec import WorldSpec as WorldSpec
    from ninefold.questions.catalog import register_format as register_format
    from ninefold.questions.catalog import register_question as register_question
    from ninefold.questions.prompt import prompt as prompt
    from ninefold.studies.description import Condition as Condition
    from ninefold.studies.description import Photos as Photos
    from ninefold.studies.description import Probe as Probe
    from ninefold.studies.description import Study as Study
    from ninefold.studies.description import StudyModel as StudyModel
    from ninefold.studies.description import Test as Test
    from ninefold.training.spec import TrainSpec as TrainSpec
    from ninefold.types import Answer as Answer
    from ninefold.types import AnswerFormat as AnswerFormat
    from ninefold.types import Example as Example
    from ninefold.types import Prediction as Prediction
    from ninefold.types import Question as Question
    from ninefold.types import Scene as Scene
    from ninefold.types import Thing as Thing

_MODULES = {
    "ninefold.api": (
        "demo",
        "evaluate",
        "export_adapter",
        "list_models",
        "load_model",
        "probe",
        "report_study",
        "run_study",
        "score",
        "train",
        "write_report",
    ),
    "ninefold.captions.api": ("check_geometry", "merge_captions", "run_captions"),
    "ninefold.captions.engines.catalog": ("register_engine",),
    "ninefold.captions.spec": ("CaptionsIn", "CaptionsSpec", "ChecksSpec"),
    "ninefold.data.api": ("export", "leakage", "make", "open_dataset", "overlap", "verify"),
    "ninefold.data.export.spec": ("ExportSpec",),
    "ninefold.data.format.dataset": ("Dataset",),
    "ninefold.data.sources.benchmarks.realworldqa": ("RealWorldQaSpec",),
    "ninefold.data.sources.benchmarks.threedsrbench": ("ThreeDsrBenchSpec",),
    "ninefold.data.sources.benchmarks.vsr": ("VsrSpec",),
    "ninefold.data.sources.benchmarks.whatsup": ("WhatsUpSpec",),
    "ninefold.data.sources.catalog": ("register_source",),
    "ninefold.data.sources.coco.flawed": ("FlawedSpec",),
    "ninefold.data.sources.coco.general": ("GeneralSpec",),
    "ninefold.data.sources.coco.relations": ("RelationsSpec",),
    "ninefold.data.sources.coco.source": ("CocoSpec",),
    "ninefold.data.sources.descriptions": ("DescriptionsSpec",),
    "ninefold.data.sources.protocol": ("Source", "Split"),
    "ninefold.data.sources.synthetic": ("SyntheticSpec",),
    "ninefold.errors": (
        "DataError",
        "DesignError",
        "FactError",
        "ModelError",
        "NinefoldError",
        "PluginError",
        "RunError",
    ),
    "ninefold.evaluation.probing.spec": ("ProbeSpec",),
    "ninefold.evaluation.spec": ("EvaluateSpec",),
    "ninefold.models.export.spec": ("AdapterExportSpec",),
    "ninefold.models.protocol": ("Model",),
    "ninefold.models.registry": ("Fitted", "register_model"),
    "ninefold.models.spec": ("ModelSpec",),
    "ninefold.nano.spec": ("WorldSpec",),
    "ninefold.questions.catalog": ("register_format", "register_question"),
    "ninefold.questions.prompt": ("prompt",),
    "ninefold.studies.description": ("Condition", "Photos", "Probe", "Study", "StudyModel", "Test"),
    "ninefold.training.spec": ("TrainSpec",),
    "ninefold.types": ("Answer", "AnswerFormat", "Example", "Prediction", "Question", "Scene", "Thing"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = ["__version__", *_MODULE_OF]  # noqa: PLE0604

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _MODULE_OF:
            raise AttributeError(f"module 'ninefold' has no attribute {name!r}")
        return getattr(import_module(_MODULE_OF[name]), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULE_OF})
