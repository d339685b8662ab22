from assets.piccolo_app import APP_REGISTRY, DB

__all__ = ["APP_REGISTRY", "DB"]
