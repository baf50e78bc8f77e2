"""What HTML pages share: templates, escaping, content security policy, thumbnails."""
