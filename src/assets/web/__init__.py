"""What every page and route shares: templates, languages, problem documents, paging."""
