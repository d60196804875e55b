"""Checks of HuggingFace backbones; ``transformers`` is imported for a model that has one."""

from __future__ import annotations

from recbole_ext.config.settings import Settings
from recbole_ext.errors import nearest, show


def check_backbone(settings: Settings) -> None:
    """The name, its further attributes, and whether such a model looks where it should."""
    if "backbone" not in settings.values:
        return
    _family(settings)
    _options(settings)
    _abilities(settings)


def _family(settings: Settings) -> None:
    from recbole_ext.nn.backbone import families

    name = settings.get("backbone")
    if name not in families():
        hint = nearest(name, families()) or ", such as llama, albert or xlnet"
        settings.fail("backbone", f"is no model type of transformers{hint}")


def _options(settings: Settings) -> None:
    """``backbone_config`` holds attributes of the family that none of our keys decides."""
    from recbole_ext.nn.backbone import KEYS, attributes, owners

    family = settings.get("backbone")
    known, owned = attributes(family), owners(family)
    for name in settings.get("backbone_config") or {}:
        if name in owned:
            owner = KEYS.get(owned[name], owned[name])
            reason = f"which follows from {owner}" if owner else "which is not used here"
            settings.fail_inside("backbone_config", f"{show(name)}, {reason}")
        if name not in known:
            hint = nearest(str(name), set(known) - owned.keys())
            settings.fail_inside("backbone_config", f"{show(name)}, unknown to {family}{hint}")


def _abilities(settings: Settings) -> None:
    from recbole_ext.nn.backbone import BackboneError, BackboneSpec, tried

    try:
        tried(BackboneSpec.from_settings(settings.get))
    except BackboneError as error:
        settings.fail("backbone", str(error))


BACKBONE_CHECKS = (check_backbone,)
