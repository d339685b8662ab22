"""Labels of assets: on which sheets and printers, and how often each was printed."""
