"""Web pages: the template environment, layout, styles and thumbnails that all pages share."""
