"""Pretraining of the nano bases (`ninefold nano pretrain`); an hour on 2 cores for LLaVA's.

Stage 1 trains the vision tower: linear heads on every image token predict the shape and color of the object centered
there, and the center's offset within the token's patch. Stage 2 adds the object's position in the whole image, which
stage 1 does not need. Stage 3 trains the whole model on conversations: positions of objects (in a captioner's words),
the object at a point, pointing at an object, yes-no questions, captions. During stage 3, one attention head in each of
three decoder layers is supervised to attend to the named object; that loss and the heads on image tokens are not part
of the finished base.

The bases of other families start from the matching weights of LLaVA's base, and need a fraction of its steps.
"""

from ninefold.errors import DesignError
from ninefold.models.families import FAMILIES
from ninefold.nano.architectures.catalog import ARCHITECTURES
from ninefold.nano.contrastive import ContrastivePretraining
from ninefold.nano.generative import GenerativePretraining
from ninefold.nano.loop import Pretraining, settings_of
from ninefold.nano.spec import PretrainSpec
from ninefold.runs.folder import check_run


def pretraining(spec: PretrainSpec, *, overwrite: bool = False) -> Pretraining:
    """Return the pretraining of a family's base, ready to run.

    Raises:
        DesignError: If the family has no architecture at nano size, or no such stage.
        RunError: If something else is in the output folder; with ``overwrite``, not a base of other settings.
    """
    if spec.family not in ARCHITECTURES:
        raise DesignError(f"--family {spec.family}: has no nano base; choose one of {', '.join(ARCHITECTURES)}")
    steps = ARCHITECTURES[spec.family].steps
    for stage, asked, usual in (
        ("vision", spec.vision_steps, steps.vision),
        ("position", spec.position_steps, steps.position),
    ):
        if asked and not usual:
            raise DesignError(
                f"--{stage}-steps {asked}: the base of {spec.family} starts from LLaVA's, which has done this stage; "
                "leave the option out"
            )
    check_run(spec.out, settings_of(spec), overwrite=overwrite)
    is_dual = FAMILIES[spec.family].kind == "dual"
    return ContrastivePretraining(spec) if is_dual else GenerativePretraining(spec)
